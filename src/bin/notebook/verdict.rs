//! What must hold at the end of a scenario.

use std::fmt;

use crate::settings::Settings;

/// The claims of a scenario, each with whether it was seen to hold.
#[must_use = "a verdict is there to be told"]
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    claims: Vec<(String, bool)>,
}

impl Verdict {
    pub(crate) fn new() -> Self {
        Verdict::default()
    }

    /// And `claim`, which `holds` or does not.
    pub(crate) fn claim(mut self, claim: impl Into<String>, holds: bool) -> Self {
        self.claims.push((claim.into(), holds));
        self
    }

    /// And `claim`, which only sleeps bring about: not judged when they are too short.
    pub(crate) fn timed(self, settings: Settings, claim: &str, holds: bool) -> Self {
        if settings.keeps_order() {
            self.claim(claim, holds)
        } else {
            self.claim(format!("{claim}: not judged at this speed"), true)
        }
    }

    /// Whether there is a claim, and every one holds.
    pub(crate) fn holds(&self) -> bool {
        !self.claims.is_empty() && self.claims.iter().all(|(_, holds)| *holds)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // When it fails, only what failed is of interest.
        let told = |holds: &bool| *holds == self.holds();
        let claims = self.claims.iter().filter(|(_, holds)| told(holds));
        let claims = claims.map(|(claim, _)| claim.as_str()).collect::<Vec<_>>();
        let verdict = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        write!(f, "verdict: {verdict}: {}", claims.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_when_every_claim_does() {
        let verdict = Verdict::new().claim("one", true).claim("two", true);
        assert!(verdict.holds());
        assert_eq!(verdict.to_string(), "verdict: holds: one; two");
    }

    #[test]
    fn it_fails_with_what_failed() {
        let verdict = Verdict::new().claim("one", true).claim("two", false);
        assert!(!verdict.holds());
        assert_eq!(verdict.to_string(), "verdict: DOES NOT HOLD: two");
    }

    #[test]
    fn without_a_claim_nothing_holds() {
        assert!(!Verdict::new().holds());
    }

    #[test]
    fn what_only_sleeps_bring_about_is_judged_when_they_are_long_enough() {
        let judged = |speed| Verdict::new().timed(Settings::new(speed, None), "in order", false);
        assert!(!judged(50.0).holds());
        let verdict = judged(51.0);
        assert!(verdict.holds());
        assert_eq!(verdict.to_string(), "verdict: holds: in order: not judged at this speed");
    }
}
