//! Before anything goes home: whether it may.

use std::collections::BTreeSet;

use super::Failback;
use crate::exit::Failure;
use crate::kafka::{Group, TopicSettings};
use crate::output;
use crate::stream::Twin;
use crate::switch::{Seen, Stage};

impl Failback<'_> {
    pub(super) fn prepare(&self) -> Result<Seen, Failure> {
        if self.is_rebuild {
            return self.prepare_rebuild();
        }
        let mut seen = Seen::default();
        for edge in self.stage.pair() {
            let topics: BTreeSet<_> = self
                .twins(edge)?
                .into_iter()
                .map(|t| t.target_topic)
                .collect();
            for topic in topics {
                let twice = self.stage.names.met_twice(edge, &topic);
                if let Some((cluster, other)) = twice.first() {
                    output::say(&format!(
                        "What was written in {topic} at `{}` comes to {other} on `{cluster}` straight; \
                         brought home, it would come there from `{}` a second time. \
                         Disable the edge that brings it there from `{}` until the failback is done, or exclude the topic.",
                        self.stage.away, self.stage.home, self.stage.home
                    ));
                    return Err(Failure::Findings);
                }
            }
        }
        for edge in self.inverses().map_err(Failure::cluster)? {
            seen.and(format!(
                "edge {} brings home what was written at `{}`; its progress is group {} on `{}`",
                edge.name,
                edge.source,
                self.homeward.group(edge),
                edge.target
            ));
        }
        for edge in self.own_ways() {
            seen.and(format!(
                "edge {} of the file brings home what it takes anyhow",
                edge.name
            ));
        }
        Ok(seen)
    }

    /// Home must be empty, and nobody may fill it at the same time.
    fn prepare_rebuild(&self) -> Result<Seen, Failure> {
        let Stage { home, away, .. } = self.stage;
        let (at_home, there) = (
            self.stage.home().map_err(Failure::cluster)?,
            self.stage.away().map_err(Failure::cluster)?,
        );
        for edge in self.own_ways() {
            let group = Group::new(at_home, &self.stage.group(edge));
            let members = group.and_then(|g| g.members()).map_err(Failure::cluster)?;
            if let Some(member) = members.first() {
                output::say(&format!(
                    "edge {} runs at {}: stop every crossdock that runs edges into `{home}`, or records come there twice",
                    edge.name, member.host
                ));
                return Err(Failure::Findings);
            }
        }
        let mut made = 0;
        for edge in self.stage.pair() {
            let twins = self.twins(edge)?;
            let topics = at_home.topics().map_err(Failure::cluster)?;
            let mut places: Vec<_> = twins.iter().map(Twin::source).collect();
            places.retain(|(topic, p)| topics.get(&**topic).is_some_and(|count| p < count));
            let ends = at_home.end_offsets(&places).map_err(Failure::cluster)?;
            if let Some(((topic, partition), end)) = ends.iter().find(|(_, end)| **end > 0) {
                output::say(&format!(
                    "`{home}` is not empty: {topic}-{partition} ends at offset {end}. \
                     --rebuild would bring what is there a second time; without it, just what was written at `{away}` goes home."
                ));
                return Err(Failure::Findings);
            }
            for twin in twins.iter().filter(|t| t.partition == 0) {
                if !self.is_look && !topics.contains_key(&*twin.source_topic) {
                    let count = twins
                        .iter()
                        .filter(|t| t.target_topic == twin.target_topic)
                        .count();
                    let settings = match there.capabilities().admin {
                        true => there
                            .topic_settings(&twin.target_topic)
                            .map_err(Failure::cluster)?,
                        false => TopicSettings::default(),
                    };
                    let count = i32::try_from(count).unwrap_or(i32::MAX);
                    at_home
                        .create_topic(&twin.source_topic, count, &settings)
                        .map_err(Failure::cluster)?;
                    made += 1;
                }
            }
        }
        Ok(Seen::that(format!(
            "`{home}` is empty; {made} topics were made there as they are on `{away}`"
        )))
    }
}
