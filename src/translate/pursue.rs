//! Many searches at once: each small look is at many partitions, and what it shows is remembered.

use std::collections::BTreeMap;

use crossdock_model::offsets::{Copied, Place, Search, Stretch, beyond, forward};

use super::{Reading, Seen, Translated, Translator};
use crate::kafka::{Error, LookAt};
use crate::stream::Twin;

/// The searches in one partition, one after the other.
struct Pursuit<'a> {
    twin: &'a Twin,
    /// What is still to be answered, by its place in the list of questions.
    open: Vec<usize>,
    active: Option<(usize, Search)>,
}

impl Translator {
    /// From source offsets to the target, in the order of the questions.
    ///
    /// # Errors
    /// The target does not answer.
    pub fn forward_all(
        &mut self,
        asked: &[(Twin, i64)],
        seen: &Seen,
    ) -> Result<Vec<Translated>, Error> {
        let mut answers: Vec<Translated> = Vec::with_capacity(asked.len());
        let mut by_twin: BTreeMap<&Twin, Vec<usize>> = BTreeMap::new();
        for (number, (twin, wanted)) in asked.iter().enumerate() {
            let known = self.at_hand(twin, *wanted, seen);
            if known.is_none() {
                by_twin.entry(twin).or_default().push(number);
            }
            answers.push(known.unwrap_or_else(|| Err("it was not looked up".to_owned())));
        }
        let mut pursuits: Vec<Pursuit<'_>> = by_twin
            .into_iter()
            .map(|(twin, open)| Pursuit {
                twin,
                open,
                active: None,
            })
            .collect();
        loop {
            let mut looks = Vec::new();
            let mut lookers = Vec::new();
            for (number, pursuit) in pursuits.iter_mut().enumerate() {
                if let Some(look) = self.next_look(pursuit, asked, seen, &mut answers) {
                    looks.push(look);
                    lookers.push(number);
                }
            }
            if looks.is_empty() {
                return Ok(answers);
            }
            let stretches = self.look(&looks, seen, |slot| pursuits[lookers[slot]].twin)?;
            for (number, stretch) in lookers.into_iter().zip(stretches) {
                let pursuit = &mut pursuits[number];
                match stretch {
                    Ok(stretch) => pursuit.see(&stretch),
                    Err(why) => pursuit.give_up(&why, &mut answers),
                }
            }
        }
    }

    /// What needs no search.
    fn at_hand(&self, twin: &Twin, wanted: i64, seen: &Seen) -> Option<Translated> {
        let Some(ends) = seen.ends(twin) else {
            return Some(Err(self.not_there(twin)));
        };
        if let Some(why) = seen.other_incarnation(twin) {
            return Some(Err(why.to_owned()));
        }
        let committed = seen.committed(twin)?;
        // At least once, records may be there whose progress is not noted yet.
        self.is_exactly_once
            .then(|| beyond(wanted, ends, committed))
            .flatten()
            .map(Ok)
    }

    /// Where a partition is to be looked at next; questions that need no more looks are answered.
    fn next_look<'a>(
        &mut self,
        pursuit: &mut Pursuit<'a>,
        asked: &[(Twin, i64)],
        seen: &Seen,
        answers: &mut [Translated],
    ) -> Option<LookAt> {
        let twin = pursuit.twin;
        let ends = seen.ends(twin)?;
        let present = seen.present(twin)?;
        let committed = seen.committed(twin);
        loop {
            let (number, mut search) = match pursuit.active.take() {
                Some(active) => active,
                None => {
                    let number = pursuit.open.pop()?;
                    let search = self.memory(twin, seen).search(asked[number].1, present);
                    (number, guided(search, committed, present.start, ends.end))
                }
            };
            if let Some(from) = search.next_look() {
                pursuit.active = Some((number, search));
                return Some(LookAt {
                    topic: twin.target_topic.clone(),
                    partition: twin.partition,
                    from,
                    end: ends.end,
                });
            }
            let copied = Copied {
                committed,
                found: search.found(),
                before: search.before(),
            };
            // What holds the answer is kept before all else.
            self.memory(twin, seen).search(asked[number].1, present);
            answers[number] = forward(asked[number].1, ends, copied);
        }
    }

    /// Looks, and remembers what was seen.
    fn look<'a>(
        &mut self,
        looks: &[LookAt],
        seen: &Seen,
        twin_of: impl Fn(usize) -> &'a Twin,
    ) -> Result<Vec<Result<Stretch, String>>, Error> {
        let mut places: Vec<Vec<Place>> = looks.iter().map(|_| Vec::new()).collect();
        let Self {
            glance,
            edge,
            source_id,
            ..
        } = self;
        let reading = |slot| {
            let twin = twin_of(slot);
            let topic_id = seen.topic_id(twin);
            Reading {
                edge,
                source_id: source_id.as_deref(),
                twin,
                topic_id,
            }
        };
        let reads: Vec<Reading<'_>> = (0..looks.len()).map(reading).collect();
        let uptos = glance.look_all(looks, |slot, record| {
            let source = reads[slot].source_of(record);
            places[slot].extend(source.map(|source| Place {
                target: record.offset(),
                source,
            }));
        })?;
        self.looks += looks.len();
        let found = uptos.into_iter().zip(places).zip(looks);
        let found: Vec<_> = found
            .map(|((upto, places), look)| {
                upto.map(|upto| Stretch {
                    from: look.from,
                    upto,
                    places,
                })
            })
            .collect();
        for (slot, stretch) in found.iter().enumerate() {
            if let Ok(stretch) = stretch {
                self.memory(twin_of(slot), seen).remember(stretch);
            }
        }
        Ok(found)
    }
}

impl Pursuit<'_> {
    fn see(&mut self, stretch: &Stretch) {
        if let Some((_, search)) = &mut self.active {
            search.see(stretch);
        }
    }

    /// The partition cannot be read now: none of its questions has an answer.
    fn give_up(&mut self, why: &str, answers: &mut [Translated]) {
        let active = self.active.take().map(|(number, _)| number);
        for number in self.open.drain(..).chain(active) {
            answers[number] = Err(why.to_owned());
        }
    }
}

/// Where nothing is left out, both sides grow alike: that chooses where to look first.
fn guided(search: Search, committed: Option<i64>, start: i64, end: i64) -> Search {
    match committed {
        None => search,
        Some(committed) => search.guided(
            Place {
                target: start,
                source: committed - (end - start),
            },
            Place {
                target: end,
                source: committed,
            },
        ),
    }
}
