//! What is noted with a position that crossdock commits for a group.

use std::fmt;

/// First word of a note.
const MARK: &str = "crossdock";

/// Version of the notes that are written.
const VERSION: &str = "v1";

/// Says of a committed offset that crossdock wrote it, and from what: a commit of the group itself has
/// other metadata, so one that still has its note was not touched since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// Id of the cluster where the group's own commit was made, however many edges ago.
    pub origin: &'a str,
    /// Id of the cluster whose committed offset was translated.
    pub from: &'a str,
    /// That offset.
    pub offset: i64,
}

impl<'a> Note<'a> {
    /// Reads a commit's metadata; `None` where it is somebody else's.
    pub fn parse(metadata: &'a str) -> Option<Self> {
        let mut words = metadata.split(' ');
        if (words.next(), words.next()) != (Some(MARK), Some(VERSION)) {
            return None;
        }
        let mut of = |key: &str| words.next()?.strip_prefix(key);
        let origin = of("origin=")?;
        let from = of("from=")?;
        let offset = of("offset=")?.parse().ok()?;
        Some(Self {
            origin,
            from,
            offset,
        })
    }
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            from,
            offset,
        } = self;
        write!(
            f,
            "{MARK} {VERSION} origin={origin} from={from} offset={offset}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_one() {
        let note = Note {
            origin: "4L6g3nShT-eMCtK--X86sw",
            from: "b",
            offset: 150,
        };
        assert_eq!(Note::parse(&note.to_string()), Some(note));
        for other in [
            "",
            "crossdock",
            "crossdock v2 origin=a from=b offset=1",
            "crossdock v1 origin=a from=b offset=x",
            "AQAAAXjN",
        ] {
            assert_eq!(Note::parse(other), None, "{other}");
        }
    }
}
