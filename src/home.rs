//! The home of a topology: the compacted topic `crossdock.topology` on its home cluster.
//!
//! One record a topology holds its newest revision and some before it, so that a rollback needs
//! nothing that compaction may have removed. Of two who publish at a time, one is refused: to write, a
//! transactional producer of one name is needed, and taking it fences whoever had it before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use crossdock_model::name::{Alias, CONTROL_TOPIC};
use crossdock_model::plan::{Published, home_id};
use crossdock_model::topology::Cluster as Declared;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock;
use crate::kafka::{Cluster, Error, ErrorKind, Pen, read_log};
use crate::worker::settings;

/// Revisions that are kept, the newest included.
const REVISIONS_MAX: usize = 20;

/// Bytes of text that older revisions may take together.
const EARLIER_BYTES_MAX: usize = 1 << 20;

/// One published state of a topology.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Counted from 1.
    pub revision: u64,
    /// Which one it is, whoever counted.
    pub uuid: String,
    /// Of the text.
    pub checksum: String,
    /// User and host.
    pub who: String,
    /// RFC 3339.
    pub when: String,
    /// The topology file; secrets are references in it.
    pub text: String,
}

/// What the record of a topology holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the topology.
    pub topology: String,
    /// The newest revision.
    #[serde(flatten)]
    pub newest: Revision,
    /// Those before it, the youngest first.
    #[serde(default)]
    pub earlier: Vec<Revision>,
}

/// A topology's place on a cluster.
pub struct Home {
    cluster: Arc<Cluster>,
    topology: String,
}

/// Why a revision was not published.
#[derive(Debug)]
pub enum Refused {
    /// Somebody else has published since: nothing was written.
    Overtaken(String),
    /// The cluster did not answer, or refused.
    Cluster(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Cluster(error)
    }
}

/// The checksum of a topology's text.
pub fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

impl Revision {
    /// As a plan knows it.
    pub fn published(&self) -> Published {
        Published {
            revision: self.revision,
            uuid: self.uuid.clone(),
            checksum: self.checksum.clone(),
        }
    }
}

impl Entry {
    /// A revision that is kept.
    pub fn revision(&self, number: u64) -> Option<&Revision> {
        let mut all = std::iter::once(&self.newest).chain(&self.earlier);
        all.find(|r| r.revision == number)
    }
}

/// A home cluster that no file declares: where it is, and how to connect, in a file of client
/// properties.
///
/// # Errors
/// The file cannot be read, or holds what librdkafka refuses.
pub fn cluster_at(bootstrap: &str, config: Option<&Path>) -> anyhow::Result<Arc<Cluster>> {
    let mut properties = BTreeMap::new();
    if let Some(path) = config {
        let what = || format!("cannot read {}", path.display());
        let file = std::fs::File::open(path).with_context(what)?;
        properties.extend(java_properties::read(file).with_context(what)?);
    }
    properties.insert("bootstrap.servers".to_owned(), bootstrap.to_owned());
    let declared = Declared {
        alias: Alias::new("home"),
        properties,
        places: BTreeMap::new(),
    };
    let properties = settings::admin(&declared);
    Ok(Arc::new(Cluster::new(&declared.alias, properties, None)?))
}

impl Home {
    /// The place of a topology on its home cluster.
    pub fn new(cluster: Arc<Cluster>, topology: &str) -> Self {
        Self {
            cluster,
            topology: topology.to_owned(),
        }
    }

    /// What is published; `None` where nothing ever was.
    ///
    /// # Errors
    /// The cluster does not answer, or refuses.
    pub fn entry(&self) -> Result<Option<Entry>, Error> {
        let values = read_log(&self.cluster, CONTROL_TOPIC)?.unwrap_or_default();
        // What others may have written there is no business of this topology.
        let mut entries = values
            .iter()
            .rev()
            .filter_map(|value| serde_json::from_slice::<Entry>(value).ok());
        Ok(entries.find(|e| e.topology == self.topology))
    }

    /// Publishes a text as the revision after `seen`.
    ///
    /// # Errors
    /// Another revision than `seen` is there, somebody publishes at the same time, or the cluster does
    /// not answer or refuses.
    pub fn publish(&self, text: &str, seen: Option<&str>) -> Result<Revision, Refused> {
        self.cluster.make_log(CONTROL_TOPIC)?;
        let pen = Pen::take(&self.cluster, &home_id(&self.topology))?;
        let before = self.entry()?;
        let newest = before.as_ref().map(|e| &e.newest);
        if newest.map(|r| r.uuid.as_str()) != seen {
            let now = newest.map_or_else(
                || "none".to_owned(),
                |r| format!("revision {} by {} at {}", r.revision, r.who, r.when),
            );
            return Err(Refused::Overtaken(now));
        }
        let revision = Revision {
            revision: newest.map_or(0, |r| r.revision) + 1,
            uuid: uuid::Uuid::new_v4().to_string(),
            checksum: checksum(text),
            who: who(),
            when: clock::now_text(),
            text: text.to_owned(),
        };
        let entry = Entry {
            topology: self.topology.clone(),
            newest: revision.clone(),
            earlier: before.map(earlier).unwrap_or_default(),
        };
        let value = serde_json::to_vec(&entry).unwrap_or_default();
        match pen.write(CONTROL_TOPIC, &self.topology, &value) {
            Ok(()) => Ok(revision),
            Err(error) if error.kind == ErrorKind::Fenced => Err(Refused::Overtaken(
                "somebody else, at this moment".to_owned(),
            )),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is kept of the revisions before the next one.
fn earlier(entry: Entry) -> Vec<Revision> {
    let mut kept = Vec::new();
    let mut bytes = 0;
    for revision in std::iter::once(entry.newest).chain(entry.earlier) {
        bytes += revision.text.len();
        if kept.len() + 1 >= REVISIONS_MAX || bytes > EARLIER_BYTES_MAX {
            break;
        }
        kept.push(revision);
    }
    kept
}

fn who() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    format!("{user}@{}", gethostname::gethostname().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: u64, text: &str) -> Revision {
        Revision {
            revision: number,
            uuid: number.to_string(),
            checksum: checksum(text),
            who: "me".to_owned(),
            when: String::new(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn old_revisions_make_room_by_number_and_by_size() {
        let many = Entry {
            topology: "t".to_owned(),
            newest: revision(100, "x"),
            earlier: (1..100).rev().map(|n| revision(n, "x")).collect(),
        };
        let kept = earlier(many);
        assert_eq!((kept.len(), kept[0].revision), (REVISIONS_MAX - 1, 100));
        let text = "x".repeat(EARLIER_BYTES_MAX / 3);
        let large = Entry {
            topology: "t".to_owned(),
            newest: revision(5, &text),
            earlier: (1..5).rev().map(|n| revision(n, &text)).collect(),
        };
        let kept: Vec<u64> = earlier(large).iter().map(|r| r.revision).collect();
        assert_eq!(kept, [5, 4, 3]);
    }
}
