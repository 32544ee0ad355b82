//! A broker's log files read as they lie on its disk: the batches, who wrote them, and the markers
//! that end transactions. Clients show neither.
//!
//! The format is that of batches of version 2 (Kafka's documentation, "Record Batch").

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The head of a batch, as far as it is looked at.
const HEAD: usize = 61;

/// What a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Records.
    Data,
    /// Records of a transaction.
    Transactional,
    /// A transaction of this producer is committed.
    Commit,
    /// A transaction of this producer is aborted.
    Abort,
}

/// One batch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Offset of its first record.
    pub first: i64,
    /// Offset of its last record.
    pub last: i64,
    /// Its producer's id; -1 for none.
    pub producer: i64,
    /// Its producer's epoch.
    pub epoch: i16,
    /// What it is.
    pub kind: Kind,
}

/// The batches of a partition, in order, as far as the files of a broker's `data` folder hold them
/// whole.
pub fn batches(data: &Path, topic: &str, partition: usize) -> Vec<Batch> {
    let folder = data.join(format!("{topic}-{partition}"));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .collect();
    files.sort();
    let mut found = Vec::new();
    for path in files {
        if let Ok(file) = File::open(path) {
            // The last batch may be half written.
            read(&mut BufReader::with_capacity(1 << 18, file), &mut found).ok();
        }
    }
    found
}

fn read(file: &mut BufReader<File>, found: &mut Vec<Batch>) -> io::Result<()> {
    let mut head = [0; HEAD];
    loop {
        file.read_exact(&mut head)?;
        // The length counts what follows it, from the twelfth byte on.
        let size = i64::from(i32::from_be_bytes(part(&head, 8))) + 12;
        let rest = size - HEAD as i64;
        if rest < 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let attributes = i16::from_be_bytes(part(&head, 21));
        let kind = match (attributes & 0x20 != 0, attributes & 0x10 != 0) {
            (true, _) => {
                let mut record = vec![0; rest as usize];
                file.read_exact(&mut record)?;
                marker(&record)
            }
            (false, is_transactional) => {
                file.seek_relative(rest)?;
                match is_transactional {
                    true => Kind::Transactional,
                    false => Kind::Data,
                }
            }
        };
        let first = i64::from_be_bytes(part(&head, 0));
        found.push(Batch {
            first,
            last: first + i64::from(i32::from_be_bytes(part(&head, 23))),
            producer: i64::from_be_bytes(part(&head, 43)),
            epoch: i16::from_be_bytes(part(&head, 51)),
            kind,
        });
    }
}

fn part<const N: usize>(head: &[u8; HEAD], at: usize) -> [u8; N] {
    std::array::from_fn(|index| head[at + index])
}

/// A control record: length, attributes, two deltas, length of the key (each one byte, for they are
/// small), then the key: version and type, of two bytes each.
fn marker(record: &[u8]) -> Kind {
    const TYPE: usize = 5 + 2;
    match record.get(TYPE..TYPE + 2) {
        Some([0, 1]) => Kind::Commit,
        _ => Kind::Abort,
    }
}
