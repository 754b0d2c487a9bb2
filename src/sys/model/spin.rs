//! Looking again and again, before one sleeps: a model has every interleaving anyway, so one look is as good as
//! many.

/// As on the machine.
#[derive(Debug)]
pub(crate) struct Spin(bool);

impl Spin {
    pub(crate) fn new(looks: bool) -> Self {
        Spin(looks)
    }

    pub(crate) fn is_due(&self) -> bool {
        self.0
    }

    #[track_caller]
    pub(crate) fn look(&self, done: impl Fn() -> bool) -> bool {
        done()
    }
}
