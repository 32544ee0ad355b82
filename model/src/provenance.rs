//! The provenance header: where a record was read, one header per hop.

use std::fmt;

use crate::name::check_topic_name;

/// Name of the header that every replicated record carries, one per hop, appended last.
pub const HEADER: &str = "crossdock-via";

/// Ends the topic id of a copy that `verify --repair` has sent again, later than its neighbours.
pub const REPAIRED: &str = ".repaired";

/// One hop: the place of the record that was read, as text
/// `<alias>/<cluster id>/<topic>/<partition>/<offset>[/<topic id>]`.
///
/// It borrows from the header's value: a hop is read for every record, and must not allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop<'a> {
    /// Alias of the cluster it was read from, in the topology that copied it.
    pub alias: &'a str,
    /// Id of that cluster: what loops are told by, whatever the alias.
    pub cluster_id: &'a str,
    /// Topic it was read from.
    pub topic: &'a str,
    /// Partition it was read from.
    pub partition: i32,
    /// Offset it was read at.
    pub offset: i64,
    /// Id of the source topic: written after that topic was recreated.
    pub topic_id: Option<&'a str>,
}

impl<'a> Hop<'a> {
    /// Reads a header's value. `None` for anything that is no hop: a user may have a header of the
    /// same name, and it must neither crash nor be trusted.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut parts = text.split('/');
        let alias = parts.next().filter(|a| is_word(a))?;
        let cluster_id = parts.next().filter(|c| is_word(c))?;
        let topic = parts.next().filter(|t| check_topic_name(t).is_ok())?;
        let partition = parts.next().and_then(decimal)?;
        let offset = parts.next().and_then(decimal)?;
        let topic_id = match parts.next() {
            None => None,
            Some(id) if is_word(id) => Some(id),
            Some(_) => return None,
        };
        if parts.next().is_some() {
            return None;
        }
        let partition = i32::try_from(partition).ok()?;
        Some(Self {
            alias,
            cluster_id,
            topic,
            partition,
            offset,
            topic_id,
        })
    }

    /// The incarnation of the source topic that it names, if any.
    pub fn incarnation(&self) -> Option<&'a str> {
        let id = self.topic_id?;
        Some(id.strip_suffix(REPAIRED).unwrap_or(id)).filter(|id| *id != "-")
    }

    /// Whether the copy was sent again later, out of its order: it tells nothing about where an edge
    /// stands, nor about where its neighbours lie.
    pub fn is_repair(&self) -> bool {
        self.topic_id.is_some_and(|id| id.ends_with(REPAIRED))
    }
}

impl fmt::Display for Hop<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            alias,
            cluster_id,
            topic,
            partition,
            offset,
            topic_id,
        } = self;
        write!(f, "{alias}/{cluster_id}/{topic}/{partition}/{offset}")?;
        topic_id.iter().try_for_each(|id| write!(f, "/{id}"))
    }
}

/// Aliases, cluster ids and topic ids are made of these.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'='))
}

/// A number as crossdock writes it: digits only, no sign, no leading zero.
fn decimal(text: &str) -> Option<i64> {
    let canonical = text == "0" || (!text.starts_with('0') && !text.is_empty());
    (canonical && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_is_read_as_it_was_written() {
        for text in [
            "bj/4L6g3nShT-eMCtK--X86sw/orders/0/9223372036854775807",
            "a.b/x/t/2147483647/0/id",
        ] {
            assert_eq!(
                Hop::parse(text.as_bytes())
                    .map(|h| h.to_string())
                    .as_deref(),
                Some(text)
            );
        }
    }

    #[test]
    fn what_is_no_hop_is_not_trusted() {
        let garbage: [&[u8]; 12] = [
            b"",
            b"/",
            b"bj/id/orders/0",
            b"bj/id/orders/-1/0",
            b"bj/id/orders/0/+5",
            b"bj//orders/0/5",
            b"bj/id/or ders/0/5",
            b"bj/id/orders/2147483648/5",
            b"bj/id/orders/0/9223372036854775808",
            b"bj/id/orders/0/5/",
            b"bj/id/orders/0/5/id/more",
            b"\xff\xfe/id/orders/0/5",
        ];
        for value in garbage {
            assert_eq!(
                Hop::parse(value),
                None,
                "{}",
                String::from_utf8_lossy(value)
            );
        }
    }
}
