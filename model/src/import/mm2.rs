//! MirrorMaker 2: `mm2.properties` of connect-mirror-maker.sh.

use std::collections::BTreeSet;

use super::client::Client;
use super::outline::{Keys, Outline, Value};
use super::{Entry, Imported, Remarks, Source, Unusable, properties, topology_name};
use crate::near::nearest;
use crate::properties::{Role, role_of};
use edge::Settings;

mod edge;
mod known;

/// Imports `mm2.properties`; of several files, one after the other, as if they were one.
///
/// # Errors
/// A file is no properties file, or no clusters are declared.
pub fn mm2(files: &[Source<'_>]) -> Result<Imported, Unusable> {
    let mut entries = Vec::new();
    for file in files {
        entries.extend(properties::read(*file)?);
    }
    let name = files.first().map_or("", |f| f.name);
    let base = name.rsplit('/').next().unwrap_or(name);
    let name = topology_name(base.split('.').next().unwrap_or(base));
    import(&entries, name, files)
}

/// Imports keys in the notation of `mm2.properties`, wherever they were written.
pub(super) fn import(
    entries: &[Entry],
    name: String,
    files: &[Source<'_>],
) -> Result<Imported, Unusable> {
    let aliases = aliases(entries, files)?;
    let mut import = Mm2 {
        clusters: aliases.iter().map(|a| (a.clone(), Keys::new())).collect(),
        ..Mm2::default()
    };
    for entry in entries.iter().filter(|e| e.key != "clusters") {
        import.take(entry);
    }
    import.remarks.carried();
    Ok(import.finish(name, files))
}

fn aliases(entries: &[Entry], files: &[Source<'_>]) -> Result<Vec<String>, Unusable> {
    let unusable = |why: &str| Unusable {
        file: files
            .first()
            .map_or_else(String::new, |f| f.name.to_owned()),
        line: None,
        why: why.to_owned(),
    };
    let declared = entries
        .iter()
        .find(|e| e.key == "clusters")
        .ok_or_else(|| unusable("`clusters` is missing: is this an mm2.properties?"))?;
    let aliases: Vec<String> = declared
        .value
        .split(',')
        .map(|a| a.trim().to_owned())
        .filter(|a| !a.is_empty())
        .collect();
    match aliases.len() {
        0 => Err(unusable("`clusters` names none")),
        _ => Ok(aliases),
    }
}

/// Where a key belongs.
enum Scope {
    All,
    Cluster(usize),
    Pair(usize, usize),
    /// It names a cluster that is none.
    Nowhere(String),
}

#[derive(Default)]
struct Mm2 {
    clusters: Vec<(String, Keys)>,
    all: Settings,
    pairs: Vec<((usize, usize), Settings)>,
    remarks: Remarks,
}

impl Mm2 {
    fn take(&mut self, entry: &Entry) {
        let (scope, key) = self.scope(&entry.key);
        match scope {
            Scope::Nowhere(rest) => {
                let (alias, near) = self.meant(&rest);
                let help = near
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                let why = format!("`{alias}` is no cluster of this file: it had no effect{help}");
                self.remarks.lost(entry, why);
            }
            Scope::Cluster(at) => self.cluster(at, &key, entry),
            Scope::All if known::is_of_clusters(&key) => self.all_clusters(&key, entry),
            Scope::All => self.all.take(&key, entry, &mut self.remarks),
            Scope::Pair(from, to) => {
                let pair = (from, to);
                let at = match self.pairs.iter().position(|(p, _)| *p == pair) {
                    Some(at) => at,
                    None => {
                        self.pairs.push((pair, Settings::default()));
                        self.pairs.len() - 1
                    }
                };
                self.pairs[at].1.take(&key, entry, &mut self.remarks);
            }
        }
    }

    /// Where a key belongs, and what is left of it there.
    fn scope(&self, key: &str) -> (Scope, String) {
        if let Some((from, rest)) = key.split_once("->") {
            let from_at = self.position(from.trim());
            let to = self.longest_alias(rest);
            return match (from_at, to) {
                (Some(from), Some((to, rest))) => (Scope::Pair(from, to), rest),
                (None, _) => (Scope::Nowhere(from.trim().to_owned()), String::new()),
                (_, None) => (Scope::Nowhere(rest.trim().to_owned()), String::new()),
            };
        }
        if let Some((at, rest)) = self.longest_alias(key) {
            return (Scope::Cluster(at), rest);
        }
        // A misspelt alias before what only a cluster has.
        match key.split_once('.') {
            Some((alias, "bootstrap.servers")) => (Scope::Nowhere(alias.to_owned()), String::new()),
            _ => (Scope::All, key.to_owned()),
        }
    }

    /// The alias at the beginning of a text, as misspelt, and the cluster that may have been meant.
    fn meant<'t>(&self, text: &'t str) -> (&'t str, Option<String>) {
        let ends = text
            .match_indices('.')
            .map(|(at, _)| at)
            .chain([text.len()]);
        let found = ends.filter_map(|end| {
            let aliases = self.clusters.iter().map(|(alias, _)| alias.as_str());
            Some((&text[..end], nearest(&text[..end], aliases)?.to_owned()))
        });
        match found.max_by_key(|(alias, _)| alias.len()) {
            Some((alias, near)) => (alias, Some(near)),
            None => (text.split('.').next().unwrap_or(text), None),
        }
    }

    fn position(&self, alias: &str) -> Option<usize> {
        self.clusters.iter().position(|(a, _)| a == alias)
    }

    /// The alias that a key begins with: aliases may have dots.
    fn longest_alias(&self, key: &str) -> Option<(usize, String)> {
        let candidates = self
            .clusters
            .iter()
            .enumerate()
            .filter_map(|(at, (alias, _))| {
                let rest = key.trim_start().strip_prefix(alias.as_str())?;
                Some((at, alias.len(), rest.strip_prefix('.')?.to_owned()))
            });
        candidates
            .max_by_key(|(_, length, _)| *length)
            .map(|(at, _, rest)| (at, rest))
    }

    fn cluster(&mut self, at: usize, key: &str, entry: &Entry) {
        let (alias, keys) = &mut self.clusters[at];
        let (client, bare) = known::client_of(key);
        if let Some((fate, why)) = known::fate(key) {
            self.remarks.list.push(entry.remark(fate, why));
        } else if client == Some("admin") && role_of(bare) != Some(Role::Common) {
            self.remarks
                .unneeded(entry, "crossdock's own admin clients need no tuning");
        } else if bare == "auto.offset.reset" {
            self.remarks
                .lost(entry, "write `start` at the edges out of this cluster");
        } else {
            let role = Role::Common;
            Client { role, alias }.carry(keys, entry, bare, &mut self.remarks);
        }
    }

    /// `security.protocol` without an alias is every cluster's.
    fn all_clusters(&mut self, key: &str, entry: &Entry) {
        let mut remarks = Remarks::default();
        for (alias, keys) in &mut self.clusters {
            if keys.iter().any(|(k, _)| k == key) {
                continue;
            }
            remarks = Remarks::default();
            let role = Role::Common;
            Client { role, alias }.carry(keys, entry, key, &mut remarks);
        }
        self.remarks.carried += remarks.carried;
        self.remarks.list.append(&mut remarks.list);
    }

    fn finish(mut self, name: String, files: &[Source<'_>]) -> Imported {
        let defaults = self.all.defaults();
        let mut edges = Vec::new();
        for ((from, to), own) in &self.pairs {
            let alias = |at: usize| Value::text(&self.clusters[at].0);
            let mut edge = vec![
                ("from".to_owned(), alias(*from)),
                ("to".to_owned(), alias(*to)),
            ];
            edge.extend(own.edge(&self.all));
            edges.push(edge);
        }
        let touched: BTreeSet<usize> = self.pairs.iter().flat_map(|((f, t), _)| [*f, *t]).collect();
        let mut notes = vec![
            "Imported from MirrorMaker 2.".to_owned(),
            "The targets may hold what MirrorMaker 2 has copied: the first run would copy it again. \
             Stop it when its lag is 0, and let `start` be that time (RFC 3339): nothing is missing, \
             and what came about then may come twice. Or give the topics other names (`rename`)."
                .to_owned(),
        ];
        if edges.is_empty() {
            notes.push("No pair of clusters is enabled: declare the edges yourself.".to_owned());
        }
        if touched.len() < self.clusters.len() && !edges.is_empty() {
            notes.push("Some clusters are in no pair: drop them, or declare edges.".to_owned());
        }
        for (_, keys) in &mut self.clusters {
            keys.sort_by_key(|(key, _)| key != "bootstrap.servers");
        }
        let outline = Outline {
            name,
            clusters: self.clusters,
            defaults,
            edges,
            notes,
        };
        self.remarks.finish(outline.write(), files)
    }
}
