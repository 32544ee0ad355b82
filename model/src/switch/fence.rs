//! The fence of an edge: a word in the notes beside its committed offsets, on its target.
//!
//! There it is as durable as the progress itself, reachable whenever the edge could write, and read by
//! every worker before it copies. A note is words with blanks between; this is one more of them:
//! `fenced=<RFC 3339 time>`.

const WORD: &str = "fenced=";

/// The note of a partition that the edge had not begun when it was fenced: its offset means nothing.
pub const UNBEGUN: &str = "v1 unbegun";

/// Since when the position that this note belongs to is fenced; `None` where it is not.
pub fn since(note: &str) -> Option<&str> {
    note.split(' ').find_map(|word| word.strip_prefix(WORD))
}

/// The note with a fence; one that is there already stays as it is.
pub fn raise(note: &str, since_when: &str) -> String {
    match since(note) {
        Some(_) => note.to_owned(),
        None => format!("{note} {WORD}{since_when}").trim().to_owned(),
    }
}

/// The note without a fence.
pub fn lift(note: &str) -> String {
    let kept: Vec<&str> = note.split(' ').filter(|w| !w.starts_with(WORD)).collect();
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_raised_once_and_lifted_without_a_trace() {
        let note = "v1 topic-id=a-b target-end=7";
        let fenced = raise(note, "2026-11-25T22:00:00Z");
        assert_eq!(since(&fenced), Some("2026-11-25T22:00:00Z"));
        assert_eq!(raise(&fenced, "2027-01-01T00:00:00Z"), fenced);
        assert_eq!(lift(&fenced), note);
        assert_eq!((since(note), lift(note).as_str()), (None, note));
        assert_eq!(lift(&raise("", "now")), "");
    }
}
