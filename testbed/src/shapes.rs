//! Records of odd shapes: what users write and replicators lose.

use crate::random::{Random, crc32};
use crate::record::{Header, Record, VIA};

/// Who a record is: written into its value, for headers and keys are under test themselves.
#[derive(Clone, Debug)]
pub struct Identity<'a> {
    /// Alias of the cluster it is born on.
    pub origin: &'a str,
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: usize,
    /// Its place among the records of this topic in this scene.
    pub sequence: u64,
}

/// One record in this many is odd: every shape comes up in a few hundred records.
pub const ODD_ONE_IN: u64 = 4;

/// The record of `who`: mostly a plain one of some 200 bytes, one in `odd_one_in` an odd one.
pub fn record(who: &Identity<'_>, odd_one_in: u64, random: &mut Random) -> Record {
    let mut record = plain(who, random);
    if who.sequence.is_multiple_of(odd_one_in) {
        SHAPES[(who.sequence / odd_one_in) as usize % SHAPES.len()](&mut record, who, random);
    }
    record
}

/// How many odd shapes there are.
pub const fn count() -> usize {
    SHAPES.len()
}

type Shape = fn(&mut Record, &Identity<'_>, &mut Random);

/// Where the value has no room for an identity, key or headers have it; where neither has, the
/// record is told by its place alone.
const SHAPES: [Shape; 24] = [
    |r, _, _| r.key = None,
    |r, _, _| r.key = Some(Vec::new()),
    |r, _, _| r.key = Some(b"null".to_vec()),
    |r, who, _| (r.key, r.value) = (Some(name(who)), None),
    |r, who, _| (r.key, r.value) = (Some(name(who)), Some(Vec::new())),
    |r, who, _| {
        (r.key, r.value) = (None, None);
        r.headers = vec![header("who", name(who))];
    },
    |r, _, _| (r.key, r.value, r.headers) = (None, None, Vec::new()),
    |r, _, _| (r.key, r.value, r.headers) = (Some(Vec::new()), Some(Vec::new()), Vec::new()),
    |r, _, _| r.headers = ["1", "2", "1"].map(|v| header("again", v)).to_vec(),
    |r, _, _| r.headers = vec![header("same", "same"), header("same", "same")],
    |r, _, _| r.headers = vec![header("b", "1"), header("a", "2"), header("b", "0")],
    |r, _, _| r.headers = vec![(b"null".to_vec(), None), header("empty", "")],
    |r, _, _| r.headers = vec![header("", "no name"), header(" ", "blank")],
    |r, _, random| r.headers = (0..100).map(|_| header("many", random.bytes(8))).collect(),
    |r, _, random| r.headers = vec![header("large", random.bytes(20_000))],
    |r, _, _| r.headers = vec![header(&"long".repeat(2_000), "name")],
    |r, _, _| r.headers = vec![header("主题", "不是 ASCII"), header("é", [0xff, 0xfe])],
    // A user's own header of our name that is no hop: carried along, never trusted, never fatal.
    |r, _, _| {
        r.headers = vec![
            (VIA.to_vec(), Some(b"not/a/hop".to_vec())),
            header("z", "z"),
        ]
    },
    |r, _, _| r.headers = vec![(VIA.to_vec(), None), (VIA.to_vec(), Some(vec![0xff, 0]))],
    |r, _, _| r.timestamp = Some(1),
    |r, _, _| r.timestamp = Some(946_684_800_000),
    |r, _, random| r.key = Some(random.bytes(10_000)),
    |r, _, random| append(r, &random.bytes(100_000)),
    |r, _, _| append(r, b"\0\0\0\0\x05\xff\xfe{\"a\":1,\"a\":2}"),
];

fn plain(who: &Identity<'_>, random: &mut Random) -> Record {
    let Identity {
        origin,
        topic,
        partition,
        sequence,
    } = who;
    let uid = format!("{:016x}{:016x}", random.draw(), random.draw());
    let mut value =
        format!("uid={uid} origin={origin} topic={topic} partition={partition} seq={sequence} ");
    let letters = (0..random.below(120)).map(|i| char::from(b'a' + (i % 26) as u8));
    value.extend(letters);
    value.push_str(&format!(" crc={:08x}", crc32(value.as_bytes())));
    let headers = if sequence % 3 == 0 {
        vec![header("trace", name(who))]
    } else {
        Vec::new()
    };
    Record {
        offset: 0,
        timestamp: Some(1_750_000_000_000 + *sequence as i64),
        key: Some(format!("key-{}", random.below(50)).into_bytes()),
        value: Some(value.into_bytes()),
        headers,
    }
}

fn name(who: &Identity<'_>) -> Vec<u8> {
    format!(
        "{}/{}/{}/{}",
        who.origin, who.topic, who.partition, who.sequence
    )
    .into_bytes()
}

fn header(name: &str, value: impl AsRef<[u8]>) -> Header {
    (name.as_bytes().to_vec(), Some(value.as_ref().to_vec()))
}

fn append(record: &mut Record, bytes: &[u8]) {
    record
        .value
        .get_or_insert_default()
        .extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_can_make_every_shape_and_the_same_again() {
        let make = || -> Vec<Record> {
            let mut random = Random::new(1);
            let who = |sequence| Identity {
                origin: "bj",
                topic: "orders",
                partition: 0,
                sequence,
            };
            (0..ODD_ONE_IN * count() as u64)
                .map(|s| record(&who(s), ODD_ONE_IN, &mut random))
                .collect()
        };
        let records = make();
        assert_eq!(records, make());
        assert!(records.iter().any(|r| r.key.is_none() && r.value.is_none()));
        assert!(
            records.iter().all(|r| r.hops().is_empty()),
            "none looks replicated"
        );
    }
}
