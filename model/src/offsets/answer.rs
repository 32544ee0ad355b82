//! What a search means for whoever asked.

use super::Place;

/// Log start offset and last stable offset of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Log start offset.
    pub start: i64,
    /// Last stable offset.
    pub end: i64,
}

/// What the target says of an edge's progress in a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The edge's committed offset: its position at the source.
    pub committed: Option<i64>,
    /// The first record of the edge at or after the place that was asked for.
    pub found: Option<Place>,
    /// The last record of the edge before it, where one is known.
    pub before: Option<Place>,
}

/// A translated offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The offset on the other side.
    pub offset: i64,
    /// Whether the record at the asked offset has its own counterpart there.
    pub is_exact: bool,
    /// What else is to be known.
    pub note: Option<String>,
    /// How many records from there on a group that stands at the asked place may have read already:
    /// at most so many, as offsets tell, where delivery is exactly once.
    pub repeats_max: i64,
}

impl Answer {
    fn near(offset: i64, repeats_max: i64, note: impl Into<String>) -> Self {
        Self {
            offset,
            is_exact: false,
            note: Some(note.into()),
            repeats_max: repeats_max.max(0),
        }
    }
}

/// From a source offset behind everything that was copied, where progress and records become visible
/// together and `committed` was read after the ends: what is read there will lie behind the end.
pub fn beyond(wanted: i64, target: Ends, committed: i64) -> Option<Answer> {
    // What lies between is copied later, behind the end.
    let repeats = wanted - committed;
    (repeats >= 0).then(|| Answer::near(target.end, repeats, "past everything that was copied"))
}

/// From a source offset to the target.
///
/// # Errors
/// Why there is no answer.
pub fn forward(wanted: i64, target: Ends, copied: Copied) -> Result<Answer, String> {
    let Ends { start, end } = target;
    // What a group has read of the source, and is copied later.
    let behind_last = copied.before.map(|place| place.source + 1);
    let not_copied = wanted - copied.committed.max(behind_last).unwrap_or(0);
    if end == 0 {
        let note = "the target partition was never written";
        return Ok(Answer::near(0, not_copied, note));
    }
    if let Some(place) = copied.found {
        let is_exact = place.source == wanted;
        let note = (!is_exact).then(|| {
            format!(
                "the next record that was copied was read at {}",
                place.source
            )
        });
        return Ok(Answer {
            offset: place.target,
            is_exact,
            note,
            repeats_max: 0,
        });
    }
    match (copied.before, copied.committed) {
        (Some(_), _) => {
            let note = "past the last record that was copied";
            Ok(Answer::near(end, not_copied, note))
        }
        (None, Some(committed)) if wanted >= committed => {
            let note = "past everything that was copied";
            Ok(Answer::near(end, not_copied, note))
        }
        (None, Some(_)) => {
            let note =
                "what was copied is gone from the target; the answer is its log start offset";
            Ok(Answer::near(start, end - start, note))
        }
        (None, None) if start == end => {
            let note = "the target partition is empty, and nothing says how far it was copied";
            Ok(Answer::near(end, not_copied, note))
        }
        (None, None) => Err("nothing was replicated yet".to_owned()),
    }
}

/// From a target offset back to the source. `position` is where the edge goes on at the source, where
/// it is known that everything before it lies before the end of the target.
///
/// # Errors
/// Why there is no answer.
pub fn backward(wanted: i64, copied: Copied, position: Option<i64>) -> Result<Answer, String> {
    if let Some(place) = copied.found {
        let is_exact = place.target == wanted;
        let note =
            (!is_exact).then(|| format!("the next record of the edge lies at {}", place.target));
        return Ok(Answer {
            offset: place.source,
            is_exact,
            note,
            repeats_max: 0,
        });
    }
    let behind_last = copied.before.map(|place| place.source + 1);
    match behind_last.max(position) {
        Some(offset) => Ok(Answer::near(
            offset,
            0,
            "past the last record that was copied",
        )),
        None => Err("nothing was replicated yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Copied = Copied {
        committed: None,
        found: None,
        before: None,
    };

    fn place(target: i64, source: i64) -> Option<Place> {
        Some(Place { target, source })
    }

    #[test]
    fn forward_answers() {
        let found = |f| Copied { found: f, ..NONE };
        let before = |b| Copied { before: b, ..NONE };
        let committed = |c| Copied {
            committed: Some(c),
            ..NONE
        };
        let cases = [
            ("never written", NONE, (0, 0), 100, Ok((0, false))),
            (
                "its own copy",
                found(place(161, 150)),
                (0, 200),
                150,
                Ok((161, true)),
            ),
            (
                "the next one's",
                found(place(161, 151)),
                (0, 200),
                150,
                Ok((161, false)),
            ),
            (
                "past the last",
                before(place(199, 149)),
                (0, 201),
                150,
                Ok((201, false)),
            ),
            ("emptied", committed(150), (200, 200), 150, Ok((200, false))),
            (
                "past what was copied",
                committed(150),
                (10, 200),
                150,
                Ok((200, false)),
            ),
            (
                "gone, and not past it",
                committed(150),
                (100, 200),
                20,
                Ok((100, false)),
            ),
            (
                "others' records only",
                NONE,
                (0, 5),
                20,
                Err("nothing was replicated yet".to_owned()),
            ),
        ];
        for (what, copied, (start, end), wanted, should) in cases {
            let is = forward(wanted, Ends { start, end }, copied);
            assert_eq!(is.map(|a| (a.offset, a.is_exact)), should, "{what}");
        }
    }

    #[test]
    fn what_may_be_read_again_is_what_is_copied_later() {
        let cases = [
            ("its own copy", place(161, 150), None, 150, 0),
            ("all of it was copied", None, Some(150), 150, 0),
            ("ten more were read than copied", None, Some(150), 160, 10),
            ("what was copied is gone", None, Some(150), 20, 190),
        ];
        for (what, found, committed, wanted, should) in cases {
            let copied = Copied {
                committed,
                found,
                before: None,
            };
            let target = Ends {
                start: 10,
                end: 200,
            };
            let answer = forward(wanted, target, copied);
            assert_eq!(answer.map(|a| a.repeats_max), Ok(should), "{what}");
            if let Some(answer) = committed.and_then(|c| beyond(wanted, target, c)) {
                assert_eq!((answer.offset, answer.repeats_max), (200, should), "{what}");
            }
        }
        let never = forward(30, Ends { start: 0, end: 0 }, NONE);
        assert_eq!(never.map(|a| (a.offset, a.repeats_max)), Ok((0, 30)));
    }

    #[test]
    fn backward_answers() {
        let to = |c: Copied, position, wanted| {
            backward(wanted, c, position).map(|a| (a.offset, a.is_exact))
        };
        let cases = [
            (
                "its own record",
                to(
                    Copied {
                        found: place(161, 150),
                        ..NONE
                    },
                    None,
                    161,
                ),
                Ok((150, true)),
            ),
            (
                "a marker before it",
                to(
                    Copied {
                        found: place(161, 150),
                        ..NONE
                    },
                    None,
                    160,
                ),
                Ok((150, false)),
            ),
            (
                "past the last",
                to(
                    Copied {
                        before: place(161, 150),
                        ..NONE
                    },
                    None,
                    170,
                ),
                Ok((151, false)),
            ),
            (
                "the edge is further",
                to(
                    Copied {
                        before: place(161, 150),
                        ..NONE
                    },
                    Some(180),
                    170,
                ),
                Ok((180, false)),
            ),
            (
                "nothing yet",
                to(NONE, None, 0),
                Err("nothing was replicated yet".to_owned()),
            ),
        ];
        for (what, is, should) in cases {
            assert_eq!(is, should, "{what}");
        }
    }
}
