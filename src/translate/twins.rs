//! Which target partition belongs to a source partition, and the other way round.

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};

use crate::stream::Twin;

/// The twin of a source partition.
///
/// # Errors
/// Why the edge does not take the topic.
pub fn twin_of_source(
    names: &Names,
    edge: &Edge,
    topic: &str,
    partition: i32,
) -> Result<Twin, String> {
    match names.take(edge, topic) {
        Take::Into(target) => Ok(Twin {
            source_topic: topic.into(),
            target_topic: target.into(),
            partition,
        }),
        Take::Not(why) => Err(format!(
            "edge {} does not take topic {topic}: {}",
            edge.name,
            words(&why)
        )),
    }
}

/// The twin of a target partition.
///
/// # Errors
/// That the edge does not write the topic.
pub fn twin_of_target(
    names: &Names,
    edge: &Edge,
    topic: &str,
    partition: i32,
) -> Result<Twin, String> {
    match names.sources(edge, topic).first() {
        Some(source) => Ok(Twin {
            source_topic: source.as_str().into(),
            target_topic: topic.into(),
            partition,
        }),
        None => Err(format!("edge {} does not write topic {topic}", edge.name)),
    }
}

fn words(why: &crossdock_model::graph::Why) -> String {
    use crossdock_model::graph::Why;
    match why {
        Why::NotSelected => "`topics` does not match it".to_owned(),
        Why::Excluded => "`exclude_topics` matches it".to_owned(),
        Why::Internal => "it is internal".to_owned(),
        Why::Lineage => "by its name it has been on the target".to_owned(),
        Why::Replica => "`forward: local`, and it is a replica".to_owned(),
        Why::TargetName(name) => format!("the target's name would be {name:?}"),
    }
}
