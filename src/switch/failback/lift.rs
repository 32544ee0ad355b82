//! The edges may go on.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::edge::Edge;
use crossdock_model::note::Note;
use crossdock_model::offsets::topic_id;
use crossdock_model::switch::fence;

use super::Failback;
use crate::exit::Failure;
use crate::kafka::{Error, Group};
use crate::stream::Twin;
use crate::switch::fence::rewrite;
use crate::switch::{Seen, measure};

impl Failback<'_> {
    pub(super) fn lift(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for edge in self.stage.out() {
            match self.lift_of(edge) {
                Ok(what) => seen.and(what),
                Err(error) if edge.target != self.stage.away => {
                    seen.find(format!(
                        "edge {} could not be let go on: {error}",
                        edge.name
                    ));
                }
                Err(error) => return Err(Failure::cluster(error)),
            }
        }
        if self.is_rebuild {
            self.hand_over(&mut seen).map_err(Failure::cluster)?;
        }
        Ok(seen)
    }

    /// Lets an edge go on where it stood; over a home that was rebuilt, from its beginning: what came
    /// from the other cluster is not copied there again.
    fn lift_of(&self, edge: &Edge) -> Result<String, Error> {
        let home = self.stage.home()?;
        let twins = self.stage.twins(edge)?;
        let there = home.topics()?;
        let mut sources: Vec<_> = twins.iter().map(Twin::source).collect();
        sources.retain(|(topic, p)| there.get(&**topic).is_some_and(|count| p < count));
        let starts = home.start_offsets(&sources)?;
        let topics: BTreeSet<&str> = sources.iter().map(|(topic, _)| &**topic).collect();
        let ids = home.topic_ids(&topics.into_iter().collect::<Vec<_>>())?;
        let begins_anew = self.is_rebuild && edge.target == self.stage.away;
        let targets: Vec<_> = twins.iter().map(Twin::target).collect();
        let ends = match begins_anew {
            true => self.stage.away()?.end_offsets(&targets)?,
            false => BTreeMap::new(),
        };
        let done = rewrite(self.stage, edge, |place, fetched| {
            let offset = fetched.offset?;
            let twin = twins.iter().find(|t| t.target() == *place);
            let source = twin.map(Twin::source);
            let start = source.as_ref().and_then(|s| starts.get(s)).copied();
            if begins_anew && let (Some(start), Some((topic, _))) = (start, &source) {
                // What lies before the end was copied from the logs that are lost.
                let note = Note {
                    topic_id: ids.get(&**topic).map(|id| topic_id(id).into_owned()),
                    born: ends.get(place).copied(),
                    ..Note::default()
                };
                return Some((start, note.to_string()));
            }
            let note = fence::lift(&fetched.metadata);
            match note == fence::UNBEGUN {
                true => Some((start.unwrap_or(offset), "v1".to_owned())),
                false => Some((offset, note)),
            }
        })?;
        let how = if begins_anew {
            ", from the beginning of the new logs"
        } else {
            ""
        };
        Ok(format!(
            "edge {} goes on in {} partitions{how}",
            edge.name,
            done.positions.len()
        ))
    }

    /// After a rebuild, edges of the file that lead home go on behind what it has brought.
    fn hand_over(&self, seen: &mut Seen) -> Result<(), Error> {
        for inverse in self.inverses()? {
            let twins = self.homeward.twins(inverse)?;
            let brought = measure::committed(&self.homeward, inverse, &twins)?;
            for own in self.own_ways() {
                let theirs: BTreeSet<_> = self.stage.twins(own)?.into_iter().collect();
                let mut positions = Vec::new();
                for twin in twins.iter().filter(|t| theirs.contains(t)) {
                    if let Some(at) = brought.get(&twin.target()) {
                        positions.push((twin.target(), *at, "v1".to_owned()));
                    }
                }
                let group = Group::settled(self.stage.home()?, &self.stage.group(own))?;
                if group.commit_all(&positions)? {
                    seen.and(format!(
                        "edge {} goes on behind that in {} partitions",
                        own.name,
                        positions.len()
                    ));
                } else {
                    seen.find(format!(
                        "edge {} runs already: what it copied before is there twice",
                        own.name
                    ));
                }
            }
        }
        Ok(())
    }
}
