//! Which records an edge takes by what they hold (`sample`, `filter`), and which headers it leaves
//! behind (`drop_headers`).
//!
//! Everything here is a function of the record alone: whoever reads it again decides the same.

use regex::bytes::{Regex, RegexBuilder};

use crate::edge::{Edge, Pattern};
use crate::provenance::HEADER;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// It goes.
    Take,
    /// Its key is not in the sample.
    NotSampled,
    /// It does not pass the filter.
    Filtered,
}

/// Most headers that a filter has conditions for.
pub const HEADERS_MAX: usize = 64;

/// Which of a filter's conditions the headers of a record have met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met(u64);

/// `sample`, `filter` and `drop_headers` of an edge, ready to be asked.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Hashes below it are taken; `None` takes all.
    below: Option<u64>,
    key: Option<Regex>,
    headers: Vec<(Vec<u8>, Regex)>,
    dropped: Vec<Regex>,
}

impl Selection {
    /// The selection of an edge; `None` where every record goes as it is.
    pub fn of(edge: &Edge) -> Option<Self> {
        let selection = Self {
            below: edge.sample.filter(|share| *share < 1.0).map(threshold),
            key: edge.filter.key.as_ref().map(compiled),
            headers: edge
                .filter
                .headers
                .iter()
                .map(|(name, pattern)| (name.as_bytes().to_vec(), compiled(pattern)))
                .collect(),
            dropped: edge.drop_headers.iter().map(compiled).collect(),
        };
        let is_idle = selection.below.is_none()
            && selection.key.is_none()
            && selection.headers.is_empty()
            && selection.dropped.is_empty();
        (!is_idle).then_some(selection)
    }

    /// Whether headers are left behind.
    pub fn drops_headers(&self) -> bool {
        !self.dropped.is_empty()
    }

    /// Decides about one record of the source, by its key, its place there and its headers, in order;
    /// `None` is Kafka's null.
    ///
    /// A record without key is sampled by its place. A filter's regexes match whole keys and whole
    /// values; what is null matches none. Of several headers of one name, one that matches is enough.
    pub fn choose<'r>(
        &self,
        key: Option<&[u8]>,
        (partition, offset): (i32, i64),
        headers: impl Iterator<Item = (&'r [u8], Option<&'r [u8]>)> + Clone,
    ) -> Chosen {
        if !self.is_sampled(key, (partition, offset)) {
            return Chosen::NotSampled;
        }
        let passes = |(name, regex): &(Vec<u8>, Regex)| {
            headers
                .clone()
                .any(|(found, value)| found == name && is_match(regex, value))
        };
        match self.passes_key(key) && self.headers.iter().all(passes) {
            true => Chosen::Take,
            false => Chosen::Filtered,
        }
    }

    /// Notes which conditions a header meets, for who is shown headers one by one.
    pub fn meet(&self, met: &mut Met, name: &[u8], value: Option<&[u8]>) {
        for (number, (wanted, regex)) in self.headers.iter().enumerate() {
            if wanted == name && is_match(regex, value) {
                met.0 |= bit(number);
            }
        }
    }

    /// As [`Self::choose`], by the conditions that the headers have met.
    pub fn decide(&self, key: Option<&[u8]>, place: (i32, i64), met: Met) -> Chosen {
        let all = (0..self.headers.len()).fold(0, |all, number| all | bit(number));
        match (self.is_sampled(key, place), self.passes_key(key)) {
            (false, _) => Chosen::NotSampled,
            (true, true) if met.0 == all => Chosen::Take,
            _ => Chosen::Filtered,
        }
    }

    fn is_sampled(&self, key: Option<&[u8]>, (partition, offset): (i32, i64)) -> bool {
        let Some(below) = self.below else { return true };
        let hash = match key {
            Some(key) => hash(key),
            None => hash(&[&partition.to_be_bytes()[..], &offset.to_be_bytes()].concat()),
        };
        hash < below
    }

    fn passes_key(&self, key: Option<&[u8]>) -> bool {
        self.key.as_ref().is_none_or(|regex| is_match(regex, key))
    }

    /// Whether a header of this name is left behind. The provenance header never is: without it, records
    /// could return.
    pub fn drops(&self, name: &[u8]) -> bool {
        name != HEADER.as_bytes() && self.dropped.iter().any(|regex| regex.is_match(name))
    }
}

/// What is null matches nothing.
fn is_match(regex: &Regex, value: Option<&[u8]>) -> bool {
    value.is_some_and(|value| regex.is_match(value))
}

/// The file has at most [`HEADERS_MAX`] conditions.
fn bit(number: usize) -> u64 {
    1 << (number % HEADERS_MAX)
}

/// A share of all hashes, below 1.
fn threshold(share: f64) -> u64 {
    (share * 2_f64.powi(64)) as u64
}

/// FNV-1a (draft-eastlake-fnv-17) and the finalizer of splitmix64, which spreads it over all bits.
///
/// Its values are part of what the file means: a key that is in the sample stays in it. It has nothing
/// to do with the hashes that partitioners use, or samples would take whole partitions.
fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A pattern over whole bytes; the file has been read, so it compiles.
fn compiled(pattern: &Pattern) -> Regex {
    let whole = format!("^(?:{})$", pattern.text);
    RegexBuilder::new(&whole)
        .dot_matches_new_line(true)
        .build()
        .unwrap_or_else(|_| nothing())
}

fn nothing() -> Regex {
    #[allow(clippy::unwrap_used, reason = "a constant")]
    Regex::new("[^\\s\\S]").unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file;

    fn selection(keys: &str) -> Selection {
        selection_of(keys).unwrap()
    }

    fn selection_of(keys: &str) -> Option<Selection> {
        let text = format!(
            "topology: t\nclusters:\n  bj: {{ bootstrap.servers: 'a:1' }}\n  sh: {{ bootstrap.servers: \
             'b:1' }}\nedges:\n  - {{ from: bj, to: sh, topics: orders, {keys} }}\n"
        );
        let (draft, findings) = file::read(&text, None);
        assert_eq!(findings, [], "{keys}");
        Selection::of(&draft.unwrap().edges[0])
    }

    type Header = (&'static [u8], Option<&'static [u8]>);

    fn choose(selection: &Selection, key: Option<&[u8]>, headers: &[Header]) -> Chosen {
        let chosen = selection.choose(key, (0, 0), headers.iter().copied());
        let mut met = Met::default();
        headers
            .iter()
            .for_each(|(name, value)| selection.meet(&mut met, name, *value));
        assert_eq!(selection.decide(key, (0, 0), met), chosen, "one by one");
        chosen
    }

    #[test]
    fn a_sample_takes_its_share_of_the_keys_whatever_their_partition_and_always_the_same() {
        let one_in_ten = selection("sample: 10%");
        let taken = |key: &str, place| {
            one_in_ten.choose(Some(key.as_bytes()), place, [].into_iter()) == Chosen::Take
        };
        let keys: Vec<String> = (0..20_000).map(|n| format!("customer-{n}")).collect();
        let count = keys.iter().filter(|key| taken(key, (0, 0))).count();
        assert!((1_900..2_100).contains(&count), "{count}");
        assert!(keys.iter().all(|k| taken(k, (0, 0)) == taken(k, (7, 99))));
        let half = selection("sample: 50%");
        let grows = |key: &String| {
            !taken(key, (0, 0)) || choose(&half, Some(key.as_bytes()), &[]) == Chosen::Take
        };
        assert!(
            keys.iter().all(grows),
            "a larger sample holds the smaller one"
        );
        assert_eq!(
            hash(b"customer-1"),
            3_220_080_625_779_094_683,
            "it never changes"
        );
    }

    #[test]
    fn records_without_key_are_sampled_by_their_place() {
        let half = selection("sample: 50%");
        let taken = |place| half.choose(None, place, [].into_iter()) == Chosen::Take;
        let count = (0..10_000).filter(|n| taken((3, *n))).count();
        assert!((4_800..5_200).contains(&count), "{count}");
        assert_eq!(
            choose(&selection("sample: 0%"), None, &[]),
            Chosen::NotSampled
        );
    }

    #[test]
    fn a_filter_looks_at_whole_bytes_and_null_passes_none() {
        let by_key = selection("filter: { key: 'eu-.*' }");
        for (key, expected) in [
            (Some(&b"eu-1"[..]), Chosen::Take),
            (Some(b"eu-\n\n"), Chosen::Take),
            (Some(b"an eu-1"), Chosen::Filtered),
            (Some(b""), Chosen::Filtered),
            (None, Chosen::Filtered),
        ] {
            assert_eq!(choose(&by_key, key, &[]), expected, "{key:?}");
        }
        let bytes = selection(r"filter: { key: '(?-u)\xff.*' }");
        assert_eq!(choose(&bytes, Some(b"\xff\xfe"), &[]), Chosen::Take);
        let by_header = selection("filter: { header: { env: 'test|dev', tenant: '[0-9]+' } }");
        let tenant: Header = (b"tenant", Some(b"12"));
        for (headers, expected) in [
            (
                vec![(&b"env"[..], Some(&b"test"[..])), tenant],
                Chosen::Take,
            ),
            (
                vec![(b"env", Some(b"prod")), (b"env", Some(b"dev")), tenant],
                Chosen::Take,
            ),
            (vec![(b"env", None), tenant], Chosen::Filtered),
            (vec![(b"Env", Some(b"test")), tenant], Chosen::Filtered),
            (vec![(b"env", Some(b"test"))], Chosen::Filtered),
        ] {
            assert_eq!(choose(&by_header, None, &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn dropped_headers_never_include_where_a_record_comes_from() {
        let all = selection("drop_headers: '.*'");
        assert!(all.drops(b"trace") && all.drops(b"") && !all.drops(HEADER.as_bytes()));
        let some = selection("drop_headers: [trace, 'x-.*']");
        assert!(some.drops(b"x-1") && !some.drops(b"x") && !some.drops(b"tracer"));
        assert!(!selection("sample: 1%").drops_headers());
        assert!(selection_of("sample: 100%, filter: none").is_none());
    }
}
