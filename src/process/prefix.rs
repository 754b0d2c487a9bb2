//! What fits of a text.

/// The longest beginning of `text` that has at most `bytes` bytes and ends between two characters.
/// (`str::floor_char_boundary` is newer than the oldest compiler.)
pub(crate) fn prefix(text: &str, bytes: usize) -> &str {
    let fits = |&end: &usize| text.is_char_boundary(end);
    let end = (0..=bytes.min(text.len())).rev().find(fits).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_between_two_characters() {
        for (bytes, fits) in [(0, ""), (1, "a"), (2, "a"), (3, "aß"), (6, "aß"), (7, "aß𝄞")] {
            assert_eq!(prefix("aß𝄞", bytes), fits);
        }
        assert_eq!(prefix("aß𝄞", usize::MAX), "aß𝄞");
        assert_eq!(prefix("", 3), "");
    }
}
