//! The settings of pairs of clusters: what of them becomes keys of an edge.

use super::known;
use crate::import::client::Client;
use crate::import::outline::{Keys, Value, set};
use crate::import::{Entry, Fate, Remarks, patterns};
use crate::properties::{Role, role_of};

/// What MirrorMaker 2 leaves out unless told otherwise (`topics.exclude` of its documentation), and its
/// heartbeats.
const EXCLUDED: [&str; 4] = [
    r".*[\-.]internal",
    r".*\.replica",
    "__.*",
    r"(.*\.)?heartbeats",
];

/// Groups that it leaves out unless told otherwise.
const GROUPS_EXCLUDED: [&str; 3] = ["console-consumer-.*", "connect-.*", "__.*"];

/// Most streams that are carried over: each is as fast as a dozen of tasks.
const STREAMS_MAX: u32 = 8;

/// The settings of one pair, or of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    enabled: Option<bool>,
    topics: Option<Vec<String>>,
    topics_excluded: Option<Vec<String>>,
    groups: Option<Vec<String>>,
    groups_excluded: Option<Vec<String>>,
    are_groups_synced: Option<bool>,
    are_configs_synced: Option<bool>,
    are_acls_synced: Option<bool>,
    streams: Option<u32>,
    is_identity: Option<bool>,
    separator: Option<String>,
    starts_latest: bool,
    consumer: Keys,
    producer: Keys,
}

impl Settings {
    /// Takes a setting in, or says why not.
    pub(super) fn take(&mut self, key: &str, entry: &Entry, remarks: &mut Remarks) {
        let value = entry.value.as_str();
        let flag = Some(entry.is_true());
        match key {
            "enabled" => self.enabled = flag,
            "topics" | "topics.whitelist" => self.topics = Some(patterns(value)),
            "topics.exclude" | "topics.blacklist" => self.topics_excluded = Some(patterns(value)),
            "groups" | "groups.whitelist" => self.groups = Some(patterns(value)),
            "groups.exclude" | "groups.blacklist" => self.groups_excluded = Some(patterns(value)),
            "sync.group.offsets.enabled" => self.are_groups_synced = flag,
            "sync.topic.configs.enabled" => self.are_configs_synced = flag,
            "sync.topic.acls.enabled" => self.are_acls_synced = flag,
            "replication.policy.separator" => self.separator = Some(value.to_owned()),
            "replication.policy.class" => return self.policy(entry, remarks),
            "tasks.max" => return self.tasks(entry, remarks),
            "exactly.once.source.support" | "exactly.once.support" => {
                return remarks.unneeded(entry, "`delivery: exactly_once` is the default");
            }
            "refresh.topics.enabled" if flag == Some(false) => {
                return remarks.lost(entry, "new topics that match are always taken");
            }
            "refresh.topics.enabled" => {
                return remarks.unneeded(entry, "new topics that match are always taken");
            }
            _ => return self.client(key, entry, remarks),
        }
        remarks.carried();
    }

    fn policy(&mut self, entry: &Entry, remarks: &mut Remarks) {
        match entry.value.rsplit('.').next() {
            Some("IdentityReplicationPolicy") => self.is_identity = Some(true),
            Some("DefaultReplicationPolicy") => self.is_identity = Some(false),
            _ => {
                let why = "no code of yours is run; `rename` can do prefixes, suffixes, templates";
                return remarks.lost(entry, why);
            }
        }
        remarks.carried();
    }

    fn tasks(&mut self, entry: &Entry, remarks: &mut Remarks) {
        match entry.value.parse::<u32>() {
            Ok(tasks) if tasks <= STREAMS_MAX => {
                self.streams = Some(tasks.max(1));
                remarks.carried();
            }
            Ok(_) => {
                self.streams = Some(STREAMS_MAX);
                let why =
                    format!("`streams: {STREAMS_MAX}`, each of which is as fast as many tasks");
                remarks.changed(entry, why);
            }
            Err(_) => remarks.lost(entry, "it is no number"),
        }
    }

    fn client(&mut self, key: &str, entry: &Entry, remarks: &mut Remarks) {
        let (client, bare) = known::client_of(key);
        let role = match client {
            Some("consumer") => Some(Role::Consumer),
            Some("producer") => Some(Role::Producer),
            Some(_) => None,
            None => role_of(bare).filter(|role| *role != Role::Common),
        };
        if let Some((fate, why)) = known::fate(key) {
            remarks.list.push(entry.remark(fate, why));
        } else if bare == "auto.offset.reset" {
            self.starts_latest = entry.value == "latest";
            match self.starts_latest {
                true => remarks.changed(entry, "it is `start: latest`, for the first run only"),
                false => remarks.unneeded(entry, "the first run of an edge starts there anyway"),
            }
        } else if let Some(role) = role {
            let keys = match role {
                Role::Producer => &mut self.producer,
                _ => &mut self.consumer,
            };
            Client {
                role,
                alias: "edge",
            }
            .carry(keys, entry, bare, remarks);
        } else if client.is_some() {
            let why = "crossdock's own admin clients need no tuning";
            remarks.list.push(entry.remark(Fate::Unneeded, why));
        } else {
            remarks.lost(entry, "MirrorMaker 2 has no such key: it had no effect");
        }
    }

    /// What holds for every edge where it is not crossdock's own default: MirrorMaker's defaults, and
    /// what the file says of all.
    pub(super) fn defaults(&self) -> Keys {
        let own = [
            ("topics", Value::text(".*")),
            ("rename", Value::text("keep")),
            ("streams", Value::text("1")),
            ("start", Value::text("earliest")),
            ("sync", Value::Map(sync_keys(true, false, None))),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value)).to_vec();
        let mut keys = differing(self.keys(&Settings::default()), &own);
        keys.retain(|(key, _)| key != "enabled");
        keys
    }

    /// The keys of one edge that are not those of all.
    pub(super) fn edge(&self, all: &Settings) -> Keys {
        let mut of_all = all.keys(&Settings::default());
        of_all.retain(|(key, _)| key != "enabled" && key != "topics");
        of_all.push(("enabled".to_owned(), Value::text("true")));
        if let Some(topics) = all.topics.clone() {
            of_all.push(("topics".to_owned(), Value::patterns(topics)));
        }
        differing(self.keys(all), &of_all)
    }

    fn keys(&self, all: &Settings) -> Keys {
        let mut keys = Keys::new();
        let topics = self.topics.clone().or_else(|| all.topics.clone());
        let topics = topics.unwrap_or_else(|| vec![".*".to_owned()]);
        set(&mut keys, "topics", Value::patterns(topics));
        let excluded = self
            .topics_excluded
            .clone()
            .or_else(|| all.topics_excluded.clone());
        let excluded = excluded.unwrap_or_else(|| owned(&EXCLUDED));
        set(&mut keys, "exclude_topics", Value::patterns(excluded));
        set(&mut keys, "rename", Value::Text(self.rename(all)));
        let streams = self.streams.or(all.streams).unwrap_or(1);
        set(&mut keys, "streams", Value::text(streams.to_string()));
        let start = match self.starts_latest || all.starts_latest {
            true => "latest",
            false => "earliest",
        };
        set(&mut keys, "start", Value::text(start));
        set(&mut keys, "sync", Value::Map(self.sync(all)));
        let is_enabled = self.enabled.or(all.enabled) == Some(true);
        set(&mut keys, "enabled", Value::text(is_enabled.to_string()));
        for (name, own, of_all) in [
            ("consumer", &self.consumer, &all.consumer),
            ("producer", &self.producer, &all.producer),
        ] {
            let mut merged = of_all.clone();
            own.iter().for_each(|(k, v)| set(&mut merged, k, v.clone()));
            if !merged.is_empty() {
                set(&mut keys, name, Value::Map(merged));
            }
        }
        keys
    }

    fn rename(&self, all: &Settings) -> String {
        if self.is_identity.or(all.is_identity) == Some(true) {
            return "keep".to_owned();
        }
        let separator = self.separator.as_deref().or(all.separator.as_deref());
        match separator {
            None | Some(".") => "prefix".to_owned(),
            Some(separator) => format!("{{source}}{separator}{{topic}}"),
        }
    }

    fn sync(&self, all: &Settings) -> Keys {
        let configs = self.are_configs_synced.or(all.are_configs_synced);
        let acls = self.are_acls_synced.or(all.are_acls_synced);
        let groups = self.are_groups_synced.or(all.are_groups_synced) == Some(true);
        let groups = groups.then(|| {
            let include = self.groups.clone().or_else(|| all.groups.clone());
            let exclude = self
                .groups_excluded
                .clone()
                .or_else(|| all.groups_excluded.clone());
            let include = include.unwrap_or_else(|| vec![".*".to_owned()]);
            let exclude = exclude.unwrap_or_else(|| owned(&GROUPS_EXCLUDED));
            vec![
                ("include".to_owned(), Value::patterns(include)),
                ("exclude".to_owned(), Value::patterns(exclude)),
            ]
        });
        sync_keys(configs.unwrap_or(true), acls.unwrap_or(false), groups)
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

fn sync_keys(configs: bool, acls: bool, groups: Option<Keys>) -> Keys {
    vec![
        ("configs".to_owned(), Value::text(configs.to_string())),
        ("acls".to_owned(), Value::text(acls.to_string())),
        (
            "groups".to_owned(),
            groups.map_or_else(|| Value::text("none"), Value::Map),
        ),
    ]
}

/// What is not already so; the keys of `sync` one by one.
fn differing(keys: Keys, from: &Keys) -> Keys {
    let mut left = Keys::new();
    for (key, value) in keys {
        let before = from.iter().find(|(k, _)| *k == key).map(|(_, v)| v);
        match (value, before) {
            (value, Some(before)) if value == *before => {}
            (Value::Map(inner), Some(Value::Map(before))) if key == "sync" => {
                let inner = inner.into_iter().filter(|k| !before.contains(k)).collect();
                left.push((key, Value::Map(inner)));
            }
            (value, _) => left.push((key, value)),
        }
    }
    left
}
