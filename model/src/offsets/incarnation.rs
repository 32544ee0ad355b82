//! Source topics that were deleted and made again: their offsets begin anew, and a record's header says
//! of which incarnation it is by the topic's id.

use std::borrow::Cow;

use crate::provenance::Hop;

/// What a record of a former incarnation counts as: read before every offset of the present one.
pub const BEFORE_ALL: i64 = -1;

/// The source offset that a record counts with in a search, where `present` is the id of the topic that
/// is copied now. A hop without an id was written before its topic was made again for the first time, or
/// by an edge that does not know the topic's id.
pub fn counted_offset(hop: &Hop<'_>, present: Option<&str>) -> i64 {
    match (hop.topic_id, present) {
        (Some(then), Some(now)) if topic_id(then) != topic_id(now) => BEFORE_ALL,
        _ => hop.offset,
    }
}

/// A topic's id as Kafka itself writes it: librdkafka uses another base64.
pub fn topic_id(text: &str) -> Cow<'_, str> {
    match text.contains(['+', '/']) {
        true => Cow::Owned(text.replace('+', "-").replace('/', "_")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offsets::{Ends, Place, Runs, Search, Stretch};

    #[test]
    fn only_the_present_incarnation_counts_with_its_offset() {
        let hop = |text: &'static str| Hop::parse(text.as_bytes()).expect("a hop");
        let cases = [
            ("bj/x/orders/0/7", Some("b"), 7),
            ("bj/x/orders/0/7/a", Some("b"), BEFORE_ALL),
            ("bj/x/orders/0/7/b", Some("b"), 7),
            ("bj/x/orders/0/7/b-c_d", Some("b+c/d"), 7),
            ("bj/x/orders/0/7/a", None, 7),
        ];
        for (text, present, should) in cases {
            assert_eq!(counted_offset(&hop(text), present), should, "{text}");
        }
    }

    /// Three incarnations behind each other in one target partition: the search finds each offset in the
    /// last one, wherever its first look falls.
    #[test]
    fn offsets_that_began_anew_are_found_in_the_present_incarnation() {
        let mut places = Vec::new();
        for (id, count) in [("a", 3_000), ("b", 50), ("c", 2_000)] {
            for offset in 0..count {
                let hop = format!("bj/x/orders/0/{offset}/{id}");
                let hop = Hop::parse(hop.as_bytes()).expect("a hop");
                places.push(Place {
                    target: places.len() as i64,
                    source: counted_offset(&hop, Some("c")),
                });
            }
        }
        let ends = Ends {
            start: 0,
            end: places.len() as i64,
        };
        let mut runs = Runs::default();
        for wanted in (0..2_000).step_by(7) {
            for mut search in [
                Search::new(wanted, (0, ends.end)),
                runs.search(wanted, ends),
            ] {
                while let Some(from) = search.next_look() {
                    let upto = (from + 100).min(ends.end);
                    let places = places[from as usize..upto as usize].to_vec();
                    let stretch = Stretch { from, upto, places };
                    runs.remember(&stretch);
                    search.see(&stretch);
                }
                let found = search.found().map(|place| (place.target, place.source));
                assert_eq!(found, Some((3_050 + wanted, wanted)));
            }
        }
    }
}
