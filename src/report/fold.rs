//! Findings of one kind on many edges: a few are shown, the others are counted.

use std::collections::HashMap;

use crossdock_model::finding::{Code, Finding};

/// So many findings of one kind are shown before the others are only counted.
const SHOWN_MAX: usize = 2;

/// So few findings of a kind are shown, all of them: two lines saved are not worth a click.
const WHOLE_MAX: usize = 5;

/// What is left of some findings.
pub(super) struct Folded<'a> {
    /// Those that are shown, in their order.
    pub(super) shown: Vec<&'a Finding>,
    /// Those that are not, by kind, in the order of each kind's first.
    pub(super) hidden: Vec<Vec<&'a Finding>>,
}

/// Shows the first findings of each kind, and all of a kind that has few.
pub(super) fn fold(findings: &[Finding]) -> Folded<'_> {
    let mut numbers: HashMap<(Code, String), usize> = HashMap::new();
    let mut kinds: Vec<Vec<&Finding>> = Vec::new();
    let mut kind_of = Vec::with_capacity(findings.len());
    for finding in findings {
        let next = kinds.len();
        let number = *numbers.entry(kind(finding)).or_insert(next);
        if number == next {
            kinds.push(Vec::new());
        }
        kind_of.push((number, kinds[number].len()));
        kinds[number].push(finding);
    }
    let is_shown =
        |&(number, place): &(usize, usize)| kinds[number].len() <= WHOLE_MAX || place < SHOWN_MAX;
    let placed = findings.iter().zip(&kind_of);
    let shown = placed
        .filter(|(_, at)| is_shown(at))
        .map(|(f, _)| f)
        .collect();
    let many = kinds.iter().filter(|kind| kind.len() > WHOLE_MAX);
    Folded {
        shown,
        hidden: many.map(|kind| kind[SHOWN_MAX..].to_vec()).collect(),
    }
}

/// What findings say but for the names in them: those stand between back quotes.
fn kind(finding: &Finding) -> (Code, String) {
    let outside = finding.message.split('`').step_by(2);
    let words = |part: &str| part.replace(|c: char| c.is_ascii_digit(), "");
    (
        finding.code,
        outside.map(words).collect::<Vec<_>>().join("`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_model::finding::Span;

    fn findings(count: usize) -> Vec<Finding> {
        let one = |n| Finding::new(Code::BadValue, Span::default(), format!("`e{n}` is bad"));
        let mut all: Vec<_> = (0..count).map(one).collect();
        let other = Finding::new(Code::BadValue, Span::default(), "something else");
        all.push(other);
        all
    }

    #[test]
    fn few_of_a_kind_are_all_shown() {
        let all = findings(WHOLE_MAX);
        let folded = fold(&all);
        assert_eq!((folded.shown.len(), folded.hidden.len()), (all.len(), 0));
    }

    #[test]
    fn many_of_a_kind_are_counted_and_none_is_forgotten() {
        let all = findings(1_000);
        let folded = fold(&all);
        assert_eq!(folded.shown.len(), SHOWN_MAX + 1);
        let hidden: usize = folded.hidden.iter().map(Vec::len).sum();
        assert_eq!(folded.shown.len() + hidden, all.len());
    }
}
