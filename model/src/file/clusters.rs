//! `clusters`: aliases and their client properties.

use super::client;
use super::reader::Reader;
use super::tree::{Key, Node, Value};
use crate::finding::{Code, Finding, Span};
use crate::name::Alias;
use crate::properties::Role;
use crate::topology::Cluster;

/// Longest alias: it becomes part of topic names.
pub(super) const ALIAS_MAX: usize = 100;

/// Reads all clusters, in the file's order.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Vec<Cluster> {
    let Value::Map(map) = &node.value else {
        let help = "write each under its alias: `bj: { bootstrap.servers: bj-kafka1:9092 }`";
        reader.bad(node.span, "`clusters` is a mapping of aliases", help);
        return Vec::new();
    };
    if map.entries.is_empty() && !map.is_cut {
        let finding = Finding::new(Code::MissingKey, node.span, "`clusters` names no cluster");
        reader.tell(finding.help("write `bj: { bootstrap.servers: bj-kafka1:9092 }`"));
    }
    let mut addresses = Vec::new();
    let mut clusters = Vec::new();
    let mut last = None;
    for (key, node) in &map.entries {
        if is_property(key, node) {
            let message = format!(
                "`{}` is a property, and stands beside the clusters",
                key.text
            );
            let help = match last {
                Some(alias) => format!("indent it further, under `{alias}`"),
                None => "write it under the alias of its cluster, indented further".to_owned(),
            };
            reader.bad(key.span, message, &help);
            continue;
        }
        last = Some(key.text.as_str());
        if alias(reader, key) {
            clusters.push(cluster(reader, key, node, &mut addresses));
        }
    }
    same_clusters(reader, &addresses);
    clusters
}

/// Whether a line of a cluster has slipped out of it.
fn is_property(key: &Key, node: &Node) -> bool {
    let is_mapping = matches!(node.value, Value::Map(_));
    !is_mapping && crate::properties::known().any(|known| known.name == key.text)
}

fn alias(reader: &mut Reader<'_>, key: &Key) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let text = &key.text;
    let why = if text.is_empty() || text == "." || text == ".." {
        "an alias is a word".to_owned()
    } else if let Some(c) = text.chars().find(|&c| !is_legal(c)) {
        format!("`{c}` is not allowed in an alias")
    } else if text.len() > ALIAS_MAX {
        format!("an alias has at most {ALIAS_MAX} characters")
    } else {
        return true;
    };
    let help = "it becomes part of topic names: letters, digits, `.`, `_` and `-`";
    reader.bad(key.span, why, help);
    false
}

/// One server of one cluster, with where its list is written.
struct Address {
    server: String,
    alias: String,
    span: Span,
}

fn cluster(
    reader: &mut Reader<'_>,
    key: &Key,
    node: &Node,
    addresses: &mut Vec<Address>,
) -> Cluster {
    if let Value::Scalar(_) | Value::List(_) = node.value {
        let help = format!("write `{}: {{ bootstrap.servers: host:9092 }}`", key.text);
        reader.bad(
            node.span,
            "a cluster is a mapping of properties, each `name: value`",
            &help,
        );
    }
    let read = client::read(reader, node, Role::Common);
    let servers = ["bootstrap.servers", "metadata.broker.list"]
        .into_iter()
        .find_map(|name| read.get(name));
    let is_cut = matches!(&node.value, Value::Map(map) if map.is_cut);
    let is_map = matches!(&node.value, Value::Map(_) | Value::Null);
    match servers {
        Some(servers) if !servers.is_open => {
            for server in servers.value.split(',') {
                match address(server.trim()) {
                    Ok(server) => addresses.push(Address {
                        server,
                        alias: key.text.clone(),
                        span: servers.span,
                    }),
                    Err(why) => {
                        let at = reader.inside(servers.span, server.trim());
                        let message = format!("`{}` is no server: {why}", server.trim());
                        reader.bad(at, message, "a server is written `host:9092`");
                    }
                }
            }
        }
        None if is_map && !is_cut && !is_slip(node) => {
            let message = format!("the cluster `{}` has no `bootstrap.servers`", key.text);
            let finding = Finding::new(Code::MissingKey, key.span, message);
            reader.tell(finding.help("write `bootstrap.servers: host:9092`"));
        }
        _ => {}
    }
    let mut places: std::collections::BTreeMap<_, _> = read
        .iter()
        .map(|(name, property)| (name.clone(), property.span))
        .collect();
    places.insert(String::new(), key.span);
    Cluster {
        alias: Alias::new(&key.text),
        properties: read.into_iter().map(|(k, p)| (k, p.value)).collect(),
        places,
    }
}

/// Whether a property was meant to be `bootstrap.servers`: what is told of it is enough.
fn is_slip(node: &Node) -> bool {
    let Value::Map(map) = &node.value else {
        return false;
    };
    let meant = |key: &Key| crate::near::nearest(&key.text, ["bootstrap.servers"]).is_some();
    map.entries.iter().any(|(key, _)| meant(key))
}

/// A server as it is compared: without protocol, in lower case, with its port.
fn address(server: &str) -> Result<String, &'static str> {
    let server = server.split_once("://").map_or(server, |(_, rest)| rest);
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("`]` is missing")?;
            (host, rest.strip_prefix(':'))
        }
        None => match server.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    if host.contains(|c: char| c.is_whitespace() || c == '/') {
        return Err("a host name has no such character");
    }
    let port: u16 = match port {
        None => 9092,
        Some(port) => port
            .parse()
            .map_err(|_| "the port is a number up to 65535")?,
    };
    if port == 0 {
        return Err("the port is above 0");
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let host = match host.as_str() {
        "localhost" | "::1" => "127.0.0.1",
        host => host,
    };
    Ok(format!("{host}:{port}"))
}

/// Two aliases with one server are one cluster.
fn same_clusters(reader: &mut Reader<'_>, addresses: &[Address]) {
    let mut told: Vec<(&str, &str)> = Vec::new();
    for (index, later) in addresses.iter().enumerate() {
        let first = addresses[..index]
            .iter()
            .find(|a| a.server == later.server && a.alias != later.alias);
        let Some(first) = first else { continue };
        if told.contains(&(first.alias.as_str(), later.alias.as_str())) {
            continue;
        }
        told.push((&first.alias, &later.alias));
        let message = format!(
            "`{}` and `{}` are one cluster: both are reached at `{}`",
            first.alias, later.alias, later.server
        );
        let mut finding = Finding::new(Code::SameCluster, later.span, message)
            .label(format!("`{}` once more", first.alias))
            .help("give every cluster its own servers, and every server one alias");
        finding
            .others
            .push((first.span, format!("`{}`", first.alias)));
        reader.tell(finding);
    }
}
