//! What is done at the target about one position of a group: a pure function of what was read.

use super::note::Note;

/// A committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed<'a> {
    /// The next offset to read.
    pub offset: i64,
    /// What was noted with it.
    pub metadata: &'a str,
}

/// What this process committed last for a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The source offset that was translated.
    pub source: i64,
    /// The target offset that was committed.
    pub target: i64,
}

/// What is known of one partition of one group.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Id of the cluster that is read.
    pub source_id: &'a str,
    /// Id of the cluster that is written.
    pub target_id: &'a str,
    /// What the group has committed at the source.
    pub source: Committed<'a>,
    /// The same place at the target; why there is none.
    pub place: Result<i64, &'a str>,
    /// What is committed for it at the target.
    pub target: Option<Committed<'a>>,
    /// The target's last stable offset.
    pub target_end: i64,
    /// Whether the group has members at the target.
    pub has_members: bool,
    /// What this process committed last.
    pub previous: Option<Written>,
    /// Whether a position that is in step is to be committed again, so that it does not expire.
    pub is_due: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// This is committed at the target.
    Commit(i64, Why),
    /// Nothing: the target stands where it should.
    InStep,
    /// Nothing: the group reads there, its offsets are its own.
    Active,
    /// Nothing: what the source has came from the target, which leads.
    TargetLeads,
    /// Nothing: the group has been further at the target, by so many offsets.
    Ahead(i64),
    /// Nothing: there is no place, and why.
    NoPlace(&'a str),
}

/// Why a position is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing was committed there.
    First,
    /// The group has gone on.
    Forward,
    /// The group was set back at the source, and the target stands where crossdock has put it.
    SetBack,
    /// What crossdock had committed lies behind the end: the target's log is another one.
    BeyondEnd,
    /// Nothing has changed for long: it would expire.
    Kept,
}

/// Decides. A position goes back in two cases only, both where the target still has what crossdock
/// itself committed: the group was set back at the source, or the target's log ends before it.
pub fn decide<'a>(facts: &Facts<'a>) -> Step<'a> {
    if facts.has_members {
        return Step::Active;
    }
    let Some(target) = facts.target else {
        return match facts.place {
            Ok(place) => Step::Commit(place, Why::First),
            Err(why) => Step::NoPlace(why),
        };
    };
    if Note::parse(facts.source.metadata).is_some_and(|note| note.origin == facts.target_id) {
        return Step::TargetLeads;
    }
    let place = match facts.place {
        Ok(place) => place,
        Err(why) => return Step::NoPlace(why),
    };
    if place > target.offset {
        return Step::Commit(place, Why::Forward);
    }
    if place == target.offset {
        return match facts.is_due && ours(facts, target).is_some() {
            true => Step::Commit(place, Why::Kept),
            false => Step::InStep,
        };
    }
    match ours(facts, target) {
        None => Step::Ahead(target.offset - place),
        Some(_) if target.offset > facts.target_end => Step::Commit(place, Why::BeyondEnd),
        Some(source) if facts.source.offset < source => Step::Commit(place, Why::SetBack),
        // The place was found lower than before, as by a rule that knows less now: the former one was
        // safe, too.
        Some(_) => Step::InStep,
    }
}

/// The source offset that the target's committed offset stands for, where crossdock wrote it over this
/// edge and nobody has touched it since.
fn ours(facts: &Facts<'_>, target: Committed<'_>) -> Option<i64> {
    if let Some(note) = Note::parse(target.metadata) {
        return (note.from == facts.source_id).then_some(note.offset);
    }
    let previous = facts.previous?;
    (previous.target == target.offset).then_some(previous.source)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'_> = Facts {
        source_id: "bj",
        target_id: "sh",
        source: Committed {
            offset: 150,
            metadata: "",
        },
        place: Ok(161),
        target: None,
        target_end: 500,
        has_members: false,
        previous: None,
        is_due: false,
    };

    fn at(offset: i64, metadata: &str) -> Option<Committed<'_>> {
        Some(Committed { offset, metadata })
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "one row a case")]
    fn every_case() {
        const OURS_200: &str = "crossdock v1 origin=bj from=bj offset=200";
        const OURS_100: &str = "crossdock v1 origin=bj from=bj offset=100";
        const VIA_GZ: &str = "crossdock v1 origin=gz from=gz offset=900";
        let from = |metadata| Committed {
            offset: 150,
            metadata,
        };
        let none = Err("nothing was replicated yet");
        let wrote = |source, target| Some(Written { source, target });
        let cases = [
            ("first", FACTS, Step::Commit(161, Why::First)),
            (
                "members",
                Facts {
                    has_members: true,
                    ..FACTS
                },
                Step::Active,
            ),
            (
                "members, whatever else",
                Facts {
                    has_members: true,
                    target: at(10, ""),
                    ..FACTS
                },
                Step::Active,
            ),
            (
                "no place",
                Facts {
                    place: none,
                    ..FACTS
                },
                Step::NoPlace("nothing was replicated yet"),
            ),
            (
                "no place, though something is committed",
                Facts {
                    place: none,
                    target: at(10, ""),
                    ..FACTS
                },
                Step::NoPlace("nothing was replicated yet"),
            ),
            (
                "offset 0 is a place",
                Facts {
                    place: Ok(0),
                    ..FACTS
                },
                Step::Commit(0, Why::First),
            ),
            (
                "on",
                Facts {
                    target: at(110, OURS_100),
                    ..FACTS
                },
                Step::Commit(161, Why::Forward),
            ),
            (
                "on, whoever was there",
                Facts {
                    target: at(110, ""),
                    ..FACTS
                },
                Step::Commit(161, Why::Forward),
            ),
            (
                "in step",
                Facts {
                    target: at(161, OURS_100),
                    ..FACTS
                },
                Step::InStep,
            ),
            (
                "in step, and about to expire",
                Facts {
                    target: at(161, OURS_100),
                    is_due: true,
                    ..FACTS
                },
                Step::Commit(161, Why::Kept),
            ),
            (
                "in step by itself, and about to expire",
                Facts {
                    target: at(161, ""),
                    is_due: true,
                    ..FACTS
                },
                Step::InStep,
            ),
            (
                "the group was there",
                Facts {
                    target: at(170, ""),
                    ..FACTS
                },
                Step::Ahead(9),
            ),
            (
                "the group was there, and is behind the end",
                Facts {
                    target: at(700, ""),
                    ..FACTS
                },
                Step::Ahead(539),
            ),
            (
                "set back at the source",
                Facts {
                    target: at(210, OURS_200),
                    ..FACTS
                },
                Step::Commit(161, Why::SetBack),
            ),
            (
                "set back, but the group went on at the target",
                Facts {
                    target: at(215, ""),
                    previous: wrote(200, 210),
                    ..FACTS
                },
                Step::Ahead(54),
            ),
            (
                "set back, told from memory",
                Facts {
                    target: at(210, "its own"),
                    previous: wrote(200, 210),
                    ..FACTS
                },
                Step::Commit(161, Why::SetBack),
            ),
            (
                "a place found lower than before",
                Facts {
                    target: at(170, OURS_100),
                    ..FACTS
                },
                Step::InStep,
            ),
            (
                "put there over another edge",
                Facts {
                    target: at(210, VIA_GZ),
                    ..FACTS
                },
                Step::Ahead(49),
            ),
            (
                "the target's log is another one",
                Facts {
                    target: at(700, OURS_100),
                    ..FACTS
                },
                Step::Commit(161, Why::BeyondEnd),
            ),
            (
                "the target leads",
                Facts {
                    source: from("crossdock v1 origin=sh from=sh offset=10"),
                    target: at(10, ""),
                    ..FACTS
                },
                Step::TargetLeads,
            ),
            (
                "the target led, over another cluster",
                Facts {
                    source: from("crossdock v1 origin=sh from=gz offset=10"),
                    target: at(10, ""),
                    ..FACTS
                },
                Step::TargetLeads,
            ),
            (
                "the target led, and has lost what it had",
                Facts {
                    source: from("crossdock v1 origin=sh from=sh offset=10"),
                    ..FACTS
                },
                Step::Commit(161, Why::First),
            ),
            (
                "on to the next cluster of a chain",
                Facts {
                    source: from(VIA_GZ),
                    target: at(10, ""),
                    ..FACTS
                },
                Step::Commit(161, Why::Forward),
            ),
        ];
        for (what, facts, should) in cases {
            assert_eq!(decide(&facts), should, "{what}");
        }
    }

    /// One group, two clusters, both ways: whatever happens in whatever order, a position goes back
    /// only after the group itself went back, and the two sides come to rest.
    #[test]
    fn both_ways_come_to_rest_and_only_the_group_itself_goes_back() {
        let mut rests = 0;
        for seed in 1..=2_000u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut random = |below: u64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % below
            };
            let mut sides: [Option<(i64, String)>; 2] = [None, None];
            let (mut may_go_back, mut by_group) = (false, [None; 2]);
            for _ in 0..60 {
                let (what, side) = (random(10), usize::from(random(2) == 1));
                match what {
                    0 | 1 => {
                        let now = sides[side].as_ref().map_or(0, |(at, _)| *at);
                        sides[side] = Some((now + 1 + random(20) as i64, String::new()));
                        by_group[side] = sides[side].as_ref().map(|(at, _)| *at);
                    }
                    2 => {
                        sides[side] = Some((random(5) as i64, String::new()));
                        by_group[side] = sides[side].as_ref().map(|(at, _)| *at);
                        may_go_back = true;
                    }
                    _ => {
                        let before = sides.clone();
                        carry(&mut sides, side);
                        let at = |s: &Option<(i64, String)>| s.as_ref().map_or(-1, |(at, _)| *at);
                        assert!(
                            may_go_back || at(&sides[1 - side]) >= at(&before[1 - side]),
                            "seed {seed}"
                        );
                    }
                }
            }
            for _ in 0..4 {
                carry(&mut sides, 0);
                carry(&mut sides, 1);
            }
            let before = sides.clone();
            carry(&mut sides, 0);
            carry(&mut sides, 1);
            assert_eq!(sides, before, "seed {seed}: at rest");
            rests += 1;
        }
        println!("{rests} histories come to rest");
    }

    /// Carries the position of `from` over to the other side; both logs are alike.
    fn carry(sides: &mut [Option<(i64, String)>; 2], from: usize) {
        let ids = ["bj", "sh"];
        let Some((offset, metadata)) = sides[from].clone() else {
            return;
        };
        let target = sides[1 - from].clone();
        let facts = Facts {
            source_id: ids[from],
            target_id: ids[1 - from],
            source: Committed {
                offset,
                metadata: &metadata,
            },
            place: Ok(offset),
            target: target.as_ref().map(|(offset, metadata)| Committed {
                offset: *offset,
                metadata,
            }),
            target_end: 10_000,
            ..FACTS
        };
        if let Step::Commit(at, _) = decide(&facts) {
            let origin = Note::parse(&metadata).map_or(ids[from], |note| note.origin);
            let note = Note {
                origin,
                from: ids[from],
                offset,
            };
            sides[1 - from] = Some((at, note.to_string()));
        }
    }
}
