//! Strimzi: `KafkaMirrorMaker2` resources, in the layout with `clusters` and in the one with `target`.

use super::{Entry, Imported, Source, Unusable, mm2, topology_name};
use crate::file::tree::{self, Map, Node, Value};

/// Imports `KafkaMirrorMaker2` resources: their keys become those of `mm2.properties`, which are
/// imported.
///
/// # Errors
/// A file is no such resource, or no clusters are declared.
pub fn strimzi(files: &[Source<'_>]) -> Result<Imported, Unusable> {
    let mut reader = Reader::default();
    let mut name = String::new();
    for file in files {
        name = reader.file(*file)?;
    }
    let clusters = reader.aliases.join(",");
    reader.entries.push(Entry {
        file: String::new(),
        line: 0,
        key: "clusters".to_owned(),
        label: "clusters".to_owned(),
        value: clusters,
    });
    mm2::import(&reader.entries, topology_name(&name), files)
}

#[derive(Default)]
struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    aliases: Vec<String>,
    entries: Vec<Entry>,
}

impl<'a> Reader<'a> {
    /// Reads a resource and returns its name.
    fn file(&mut self, file: Source<'a>) -> Result<String, Unusable> {
        (self.name, self.text) = (file.name, file.text);
        let unusable = |why: &str| Unusable {
            file: file.name.to_owned(),
            line: None,
            why: why.to_owned(),
        };
        let root = tree::parse(file.text).root;
        let root = root.as_ref().and_then(map_of);
        let root = root.ok_or_else(|| unusable("it is no YAML mapping"))?;
        if root.get("kind").and_then(scalar) != Some("KafkaMirrorMaker2") {
            return Err(unusable("its `kind` is not KafkaMirrorMaker2"));
        }
        let spec = root.get("spec").and_then(map_of);
        let spec = spec.ok_or_else(|| unusable("it has no `spec`"))?;
        self.spec(spec);
        let metadata = root.get("metadata").and_then(map_of);
        let name = metadata.and_then(|m| m.get("name")).and_then(scalar);
        Ok(name.unwrap_or("strimzi").to_owned())
    }

    fn spec(&mut self, spec: &Map) {
        let target = spec.get("target").and_then(map_of);
        let target_alias = target.map(|t| self.cluster(t, "spec.target"));
        for (key, node) in &spec.entries {
            match key.text.as_str() {
                "target" => {}
                "clusters" => {
                    for (i, cluster) in list(node).enumerate() {
                        if let Some(cluster) = map_of(cluster) {
                            self.cluster(cluster, &format!("spec.clusters[{i}]"));
                        }
                    }
                }
                "mirrors" => {
                    for (i, mirror) in list(node).enumerate() {
                        if let Some(mirror) = map_of(mirror) {
                            let path = format!("spec.mirrors[{i}]");
                            self.mirror(mirror, &path, target_alias.as_deref());
                        }
                    }
                }
                other => {
                    // How it is deployed: one remark, by a key that nobody has.
                    let label = format!("spec.{other}");
                    self.push(node, &label, &format!("worker.{other}"), String::new());
                }
            }
        }
    }

    /// A cluster, and its alias.
    fn cluster(&mut self, cluster: &Map, path: &str) -> String {
        let alias = cluster.get("alias").and_then(scalar).unwrap_or_default();
        let alias = alias.to_owned();
        if !self.aliases.contains(&alias) {
            self.aliases.push(alias.clone());
        }
        let has_tls = cluster.get("tls").is_some();
        let mut has_sasl = false;
        for (key, node) in &cluster.entries {
            let label = format!("{path}.{}", key.text);
            match key.text.as_str() {
                "alias" => {}
                "bootstrapServers" => {
                    let value = scalar(node).unwrap_or_default().to_owned();
                    self.push(node, &label, &format!("{alias}.bootstrap.servers"), value);
                }
                "tls" => self.trusted(node, &label, &alias),
                "authentication" => has_sasl = self.authentication(node, &label, &alias),
                "config" => self.config(node, &label, &format!("{alias}.")),
                other => {
                    let key = format!("{alias}.worker.{other}");
                    self.push(node, &label, &key, String::new());
                }
            }
        }
        let protocol = match (has_tls, has_sasl) {
            (true, true) => Some("SASL_SSL"),
            (false, true) => Some("SASL_PLAINTEXT"),
            (true, false) => Some("SSL"),
            (false, false) => None,
        };
        let node = cluster.get("tls").or_else(|| cluster.get("authentication"));
        if let (Some(protocol), Some(node)) = (protocol, node) {
            let key = format!("{alias}.security.protocol");
            self.push(node, path, &key, protocol.to_owned());
        }
        alias
    }

    fn trusted(&mut self, node: &Node, label: &str, alias: &str) {
        let certificates = map_of(node).and_then(|m| m.get("trustedCertificates"));
        let Some(first) = certificates.and_then(|n| list(n).next()).and_then(map_of) else {
            return;
        };
        let value = mounted(first, "certificate");
        self.push(node, label, &format!("{alias}.ssl.ca.location"), value);
    }

    /// Whether it is by SASL.
    fn authentication(&mut self, node: &Node, label: &str, alias: &str) -> bool {
        let Some(map) = map_of(node) else {
            return false;
        };
        let kind = map.get("type").and_then(scalar).unwrap_or_default();
        if kind == "tls" {
            let pair = map.get("certificateAndKey").and_then(map_of);
            for (key, file) in [
                ("certificate", "ssl.certificate.location"),
                ("key", "ssl.key.location"),
            ] {
                let value = pair.map_or_else(String::new, |p| mounted(p, key));
                self.push(node, label, &format!("{alias}.{file}"), value);
            }
            return false;
        }
        let mechanism = match kind {
            "plain" => "PLAIN",
            "scram-sha-256" => "SCRAM-SHA-256",
            "scram-sha-512" => "SCRAM-SHA-512",
            _ => "OAUTHBEARER",
        };
        self.push(
            node,
            label,
            &format!("{alias}.sasl.mechanism"),
            mechanism.to_owned(),
        );
        if let Some(user) = map.get("username").and_then(scalar) {
            let key = format!("{alias}.sasl.username");
            self.push(node, label, &key, user.to_owned());
        }
        if let Some(secret) = map.get("passwordSecret") {
            let key = format!("{alias}.sasl.password");
            self.push(secret, label, &key, "${secret}".to_owned());
        }
        true
    }

    fn mirror(&mut self, mirror: &Map, path: &str, target: Option<&str>) {
        let source = match mirror.get("source").and_then(map_of) {
            Some(source) => self.cluster(source, &format!("{path}.source")),
            None => {
                let alias = mirror.get("sourceCluster").and_then(scalar);
                alias.unwrap_or_default().to_owned()
            }
        };
        let own_target = mirror.get("targetCluster").and_then(scalar);
        let pair = format!("{source}->{}.", own_target.or(target).unwrap_or_default());
        if let Some((_, first)) = mirror.entries.first() {
            self.push(first, path, &format!("{pair}enabled"), "true".to_owned());
        }
        for (key, node) in &mirror.entries {
            let label = format!("{path}.{}", key.text);
            let name = match key.text.as_str() {
                "topicsPattern" => "topics",
                "topicsExcludePattern" | "topicsBlacklistPattern" => "topics.exclude",
                "groupsPattern" => "groups",
                "groupsExcludePattern" | "groupsBlacklistPattern" => "groups.exclude",
                "source" | "sourceCluster" | "targetCluster" => continue,
                "sourceConnector" | "checkpointConnector" | "heartbeatConnector" => {
                    self.connector(node, &label, &pair, &key.text);
                    continue;
                }
                other => {
                    self.push(
                        node,
                        &label,
                        &format!("{pair}worker.{other}"),
                        String::new(),
                    );
                    continue;
                }
            };
            let value = scalar(node).unwrap_or_default().to_owned();
            self.push(node, &label, &format!("{pair}{name}"), value);
        }
    }

    fn connector(&mut self, node: &Node, label: &str, pair: &str, which: &str) {
        for (key, node) in map_of(node).into_iter().flat_map(|m| &m.entries) {
            let label = format!("{label}.{}", key.text);
            match key.text.as_str() {
                "config" => self.config(node, &label, pair),
                "tasksMax" if which == "sourceConnector" => {
                    let value = scalar(node).unwrap_or_default().to_owned();
                    self.push(node, &label, &format!("{pair}tasks.max"), value);
                }
                other => self.push(
                    node,
                    &label,
                    &format!("{pair}worker.{other}"),
                    String::new(),
                ),
            }
        }
    }

    fn config(&mut self, node: &Node, label: &str, prefix: &str) {
        for (key, node) in map_of(node).into_iter().flat_map(|m| &m.entries) {
            let label = format!("{label}.{}", key.text);
            let value = scalar(node).unwrap_or_default().to_owned();
            self.push(node, &label, &format!("{prefix}{}", key.text), value);
        }
    }

    fn push(&mut self, node: &Node, label: &str, key: &str, value: String) {
        let before = self.text.get(..node.span.start).unwrap_or_default();
        self.entries.push(Entry {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            key: key.to_owned(),
            label: label.to_owned(),
            value,
        });
    }
}

/// Where a file of a Kubernetes secret is expected.
fn mounted(reference: &Map, key: &str) -> String {
    let secret = reference
        .get("secretName")
        .and_then(scalar)
        .unwrap_or_default();
    let file = reference.get(key).and_then(scalar).unwrap_or("ca.crt");
    format!("/etc/crossdock/{secret}/{file}")
}

fn map_of(node: &Node) -> Option<&Map> {
    match &node.value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}

fn list(node: &Node) -> impl Iterator<Item = &Node> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => &[],
    };
    items.iter()
}
