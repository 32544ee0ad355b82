//! MirrorMaker 1: `consumer.properties`, `producer.properties`, and the command that named the topics.

use super::client::Client;
use super::outline::{Keys, Outline, Value, set};
use super::{Entry, Imported, Remarks, Source, Unusable, command, properties, topology_name};
use crate::properties::{Role, role_of};

/// Imports what kafka-mirror-maker.sh was run with: its two properties files, and, if at hand, the
/// script or unit that runs it. `words` are further options of that script, such as `--whitelist`.
///
/// # Errors
/// A file is no properties file, or neither names a cluster.
pub fn mm1(files: &[Source<'_>], words: &[String]) -> Result<Imported, Unusable> {
    let mut import = Mm1::default();
    let mut options = command::options(words.iter().cloned(), "", 0);
    let mut clients = Vec::new();
    for file in files {
        if command::is_in(file.text) {
            options.extend(command::read(*file)?);
        } else {
            clients.push((file.name, properties::read(*file)?));
        }
    }
    for (role, entries) in told_apart(clients, &options)? {
        entries.iter().for_each(|e| import.property(role, e));
    }
    options.iter().for_each(|o| import.option(o));
    import.finish(files)
}

/// Which of the files is the consumer's and which the producer's: by the command, their names, or what
/// is in them.
fn told_apart(
    files: Vec<(&str, Vec<Entry>)>,
    options: &[Entry],
) -> Result<Vec<(Role, Vec<Entry>)>, Unusable> {
    let mut found: Vec<(Role, Vec<Entry>)> = Vec::new();
    for (name, entries) in files {
        let role = role_by_command(name, options)
            .or_else(|| role_by_name(name))
            .unwrap_or_else(|| role_by_content(&entries));
        if let Some((_, before)) = found.iter().find(|(r, _)| *r == role) {
            let other = before.first().map_or("another file", |e| e.file.as_str());
            let why = format!("this is the {role}'s file, and so is {other}");
            return Err(Unusable {
                file: name.to_owned(),
                line: None,
                why,
            });
        }
        found.push((role, entries));
    }
    Ok(found)
}

fn role_by_command(name: &str, options: &[Entry]) -> Option<Role> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let is = |key: &str| {
        options
            .iter()
            .any(|o| o.key == key && base(&o.value) == base(name))
    };
    if is("consumer.config") {
        Some(Role::Consumer)
    } else if is("producer.config") {
        Some(Role::Producer)
    } else {
        None
    }
}

fn role_by_name(name: &str) -> Option<Role> {
    let base = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    match (base.contains("consumer"), base.contains("producer")) {
        (true, false) => Some(Role::Consumer),
        (false, true) => Some(Role::Producer),
        _ => None,
    }
}

fn role_by_content(entries: &[Entry]) -> Role {
    let count = |role| {
        entries
            .iter()
            .filter(|e| role_of(&e.key) == Some(role))
            .count()
    };
    if count(Role::Producer) > count(Role::Consumer) {
        Role::Producer
    } else {
        Role::Consumer
    }
}

#[derive(Default)]
struct Mm1 {
    source: Keys,
    target: Keys,
    edge: Keys,
    consumer: Keys,
    producer: Keys,
    name: String,
    has_topics: bool,
    remarks: Remarks,
}

impl Mm1 {
    fn property(&mut self, role: Role, entry: &Entry) {
        let (alias, cluster, client) = match role {
            Role::Producer => ("target", &mut self.target, &mut self.producer),
            _ => ("source", &mut self.source, &mut self.consumer),
        };
        let key = entry.key.as_str();
        match key {
            "bootstrap.servers" | "metadata.broker.list" => {
                let servers = entry.value.replace(char::is_whitespace, "");
                set(cluster, "bootstrap.servers", Value::text(servers));
                self.remarks.carried();
            }
            "group.id" => {
                self.name = topology_name(&entry.value);
                let why = "the group is called after topology and edge, on the target cluster";
                self.remarks.changed(entry, why);
            }
            "auto.offset.reset" => match entry.value.as_str() {
                "latest" | "largest" => {
                    set(&mut self.edge, "start", Value::text("latest"));
                    self.remarks
                        .changed(entry, "it is `start: latest`, for the first run only");
                }
                _ => self
                    .remarks
                    .unneeded(entry, "the first run of an edge starts there anyway"),
            },
            _ => {
                let keys = match role_of(key) {
                    Some(Role::Consumer | Role::Producer) => client,
                    _ => cluster,
                };
                Client { role, alias }.carry(keys, entry, key, &mut self.remarks);
            }
        }
    }

    fn option(&mut self, entry: &Entry) {
        let remarks = &mut self.remarks;
        match entry.key.as_str() {
            "consumer.config" | "producer.config" => remarks.carried(),
            "whitelist" | "include" => {
                set(&mut self.edge, "topics", Value::text(pattern(&entry.value)));
                self.has_topics = true;
                remarks.carried();
            }
            "blacklist" | "exclude" => {
                set(
                    &mut self.edge,
                    "exclude_topics",
                    Value::text(pattern(&entry.value)),
                );
                self.has_topics = true;
                remarks.carried();
            }
            "num.streams" => {
                set(&mut self.edge, "streams", Value::text(&entry.value));
                remarks.carried();
            }
            "consumer.config.override" | "producer.config.override" => self.overridden(entry),
            "queue.size" => remarks.changed(
                entry,
                "it counted records; `max_in_flight` bounds bytes, and the profile gives it",
            ),
            "offset.commit.interval.ms" => {
                remarks.unneeded(entry, "the profile decides how often it is committed");
            }
            "abort.on.send.failure" => remarks.unneeded(
                entry,
                "what a target refuses halts its partition alone: `on_oversize`",
            ),
            "new.consumer" | "help" | "version" => {
                remarks.unneeded(entry, "it has no meaning here")
            }
            "message.handler" | "message.handler.args" => {
                remarks.lost(
                    entry,
                    "no code of yours is run; for other names there is `rename`",
                );
            }
            "rebalance.listener" | "rebalance.listener.args" => {
                remarks.lost(entry, "no code of yours is run");
            }
            _ => remarks.lost(entry, "no option of kafka-mirror-maker.sh"),
        }
    }

    /// `--consumer.config.override key=value`.
    fn overridden(&mut self, entry: &Entry) {
        let role = match entry.key.starts_with("consumer") {
            true => Role::Consumer,
            false => Role::Producer,
        };
        match entry.value.split_once('=') {
            Some((key, value)) => {
                let inner = Entry {
                    key: key.trim().to_owned(),
                    value: value.trim().to_owned(),
                    label: format!("{} {}", entry.label, key.trim()),
                    ..entry.clone()
                };
                self.property(role, &inner);
            }
            None => self.remarks.lost(entry, "it is not of the form key=value"),
        }
    }

    fn finish(mut self, files: &[Source<'_>]) -> Result<Imported, Unusable> {
        for (keys, which) in [(&self.source, "consumer"), (&self.target, "producer")] {
            if !keys.iter().any(|(k, _)| k == "bootstrap.servers") {
                return Err(Unusable {
                    file: String::new(),
                    line: None,
                    why: format!("no {which}.properties with `bootstrap.servers` is given"),
                });
            }
        }
        let mut notes = vec![
            "Imported from MirrorMaker 1. The clusters are called `source` and `target`: give them \
             the names that your people use."
                .to_owned(),
            "The target may hold what MirrorMaker has copied: the first run would copy it again. \
             Stop it when its lag is 0, and let `start` be that time (RFC 3339): nothing is missing, \
             and what came about then may come twice. Or give the topics other names (`rename`)."
                .to_owned(),
        ];
        let mut edge = vec![
            ("from".to_owned(), Value::text("source")),
            ("to".to_owned(), Value::text("target")),
        ];
        if !self.edge.iter().any(|(k, _)| k == "topics") {
            edge.push(("topics".to_owned(), Value::text(".*")));
        }
        if !self.has_topics {
            notes.push(
                "No --whitelist was given: `topics` takes every topic. Name yours.".to_owned(),
            );
        }
        self.edge.sort_by_key(|(key, _)| key != "topics");
        edge.append(&mut self.edge);
        for (name, keys) in [("consumer", self.consumer), ("producer", self.producer)] {
            if !keys.is_empty() {
                edge.push((name.to_owned(), Value::Map(keys)));
            }
        }
        let outline = Outline {
            name: match self.name.is_empty() {
                true => "mirror-maker".to_owned(),
                false => self.name,
            },
            clusters: vec![
                ("source".to_owned(), self.source),
                ("target".to_owned(), self.target),
            ],
            edges: vec![edge],
            notes,
            ..Outline::default()
        };
        Ok(self.remarks.finish(outline.write(), files))
    }
}

/// MirrorMaker reads a comma in a regex as "or", and drops spaces and outer quotes.
fn pattern(text: &str) -> String {
    let text = text.trim().trim_matches(['"', '\'']);
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    parts.join("|")
}
