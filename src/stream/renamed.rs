//! Progress that is kept under a topic's former name on the target: `rename` has changed.

use std::collections::BTreeMap;

use super::engine::Twin;
use crate::kafka::{Fetched, TopicPartition};

/// The committed offset of a source partition under a name that its topic had on the target before,
/// told by the source topic's id in the note. Copying goes on there: nothing is copied again unasked.
pub(super) fn former_position(
    positions: &BTreeMap<TopicPartition, Fetched>,
    twin: &Twin,
    topic_id: Option<&str>,
) -> Option<(TopicPartition, i64)> {
    let topic_id = kafka_id(topic_id?);
    let is_former = |(place, fetched): &(&TopicPartition, &Fetched)| {
        place.1 == twin.partition
            && place.0 != twin.target_topic
            && noted_id(&fetched.metadata).as_ref() == Some(&topic_id)
    };
    // Of several former names, the one that came furthest was the last.
    let found = positions.iter().filter(is_former);
    found
        .filter_map(|(place, fetched)| Some((place.clone(), fetched.offset?)))
        .max_by_key(|(_, offset)| *offset)
}

fn noted_id(note: &str) -> Option<String> {
    let mut parts = note.split(' ');
    parts
        .find_map(|part| part.strip_prefix("topic-id="))
        .map(kafka_id)
}

/// An id as Kafka itself writes it: librdkafka uses another base64.
fn kafka_id(text: &str) -> String {
    text.replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_found_by_the_id_of_the_source_topic() {
        let fetched = |offset, id: &str| Fetched {
            offset: Some(offset),
            metadata: format!("v1 topic-id={id} target-end=0"),
        };
        let positions = BTreeMap::from([
            (("orders-bj".into(), 0), fetched(7, "a+b")),
            (("orders-bj".into(), 1), fetched(8, "a+b")),
            (("bj_orders".into(), 0), fetched(5, "a+b")),
            (("users-bj".into(), 0), fetched(9, "c")),
        ]);
        let twin = Twin {
            source_topic: "orders".into(),
            target_topic: "bj.orders".into(),
            partition: 0,
        };
        let found = |id| former_position(&positions, &twin, id).map(|((topic, _), o)| (topic, o));
        assert_eq!(found(Some("a-b")), Some(("orders-bj".into(), 7)));
        assert_eq!(found(Some("x")), None);
        assert_eq!(found(None), None);
    }
}
