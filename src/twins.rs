//! The partitions of an edge, for whoever looks at both of its sides without running it: those that have a
//! twin at the target, and those that the target lacks.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::edge::Edge;
use crossdock_model::graph::{Names, Take};

use crate::kafka::{Cluster, Error};
use crate::stream::Twin;
use crate::worker::held;

/// The source partitions that an edge takes.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    /// Those that are on both sides.
    pub twins: Vec<Twin>,
    /// Those that the target has not, nor their topic, it may be: nothing of them is copied.
    pub alone: Vec<Twin>,
}

/// Looks at the topics of both clusters. A topic whose records have all been on the target is no topic of the
/// edge.
///
/// # Errors
/// A cluster does not answer.
pub fn sides(
    edge: &Edge,
    names: &Names,
    (source, target): (&Cluster, &Cluster),
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Sides, Error> {
    let there = target.topics()?;
    let taken =
        source
            .topics()?
            .into_iter()
            .filter_map(|(topic, count)| match names.take(edge, &topic) {
                Take::Into(target_topic) if is_wanted(&topic) => Some((topic, count, target_topic)),
                _ => None,
            });
    let taken: Vec<(String, i32, String)> = taken.collect();
    let absent: BTreeMap<&str, usize> = taken
        .iter()
        .filter(|(_, _, target_topic)| !there.contains_key(target_topic))
        .map(|(topic, count, _)| (topic.as_str(), usize::try_from(*count).unwrap_or(0)))
        .collect();
    let foreign = held(edge, source, target, &absent)?;
    let mut sides = Sides::default();
    for (topic, count, target_topic) in &taken {
        if foreign.contains(topic) {
            continue;
        }
        let common = there.get(target_topic).map_or(0, |there| *count.min(there));
        let (source_topic, target_topic): (Arc<str>, Arc<str>) =
            (topic.as_str().into(), target_topic.as_str().into());
        let twin = |partition| Twin {
            source_topic: source_topic.clone(),
            target_topic: target_topic.clone(),
            partition,
        };
        sides.twins.extend((0..common).map(twin));
        sides.alone.extend((common..*count).map(twin));
    }
    Ok(sides)
}
