//! "Did you mean": the known word nearest to an unknown one.

/// The nearest of some words, if one is near enough to be meant. Ties go to the first.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word as long as this was never a slip of a key, and the distance is quadratic.
    if word.len() > 100 {
        return None;
    }
    let fold = |text: &str| text.to_ascii_lowercase().replace(['-', '_', '.', ' '], "");
    let folded = fold(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let distance = strsim::damerau_levenshtein(&folded, &fold(candidate));
        let bound = (candidate.chars().count() / 3).max(1);
        if distance <= bound && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_understood_and_nothing_else() {
        let known = ["topics", "exclude_topics", "both_ways", "from", "to"];
        for (word, expect) in [
            ("topcis", Some("topics")),
            ("excludeTopics", Some("exclude_topics")),
            ("both-ways", Some("both_ways")),
            ("form", Some("from")),
            ("whitelist", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expect, "{word}");
        }
    }
}
