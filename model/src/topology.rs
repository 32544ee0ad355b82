//! The checked topology: what commands and workers are given. Only the check makes one.

use std::collections::BTreeMap;
use std::fmt;

use crate::edge::Edge;
use crate::finding::Span;
use crate::name::{Alias, EdgeName};

/// A cluster as declared, its variables expanded.
#[derive(Clone)]
pub struct Cluster {
    /// What the file calls it.
    pub alias: Alias,
    /// Client properties as written, by their Java or librdkafka names. May hold secrets.
    pub properties: BTreeMap<String, String>,
    /// Where each property's value stands in the file; the empty key is the alias.
    pub places: BTreeMap<String, Span>,
}

impl fmt::Debug for Cluster {
    /// Names only: values may be secrets (invariant 7).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.properties.keys().collect();
        f.debug_struct("Cluster")
            .field("alias", &self.alias)
            .field("properties", &keys)
            .finish()
    }
}

/// Clusters and edges, expanded; not yet checked as a graph.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Name of the topology: `[a-z0-9-]`.
    pub name: String,
    /// Cluster that keeps the applied topology.
    pub home: Option<Alias>,
    /// In the file's order.
    pub clusters: Vec<Cluster>,
    /// In the file's order, expanded entries in the order of their pairs.
    pub edges: Vec<Edge>,
}

/// A topology without errors. Made by [`crate::graph::check`] only.
#[derive(Clone, Debug)]
pub struct Topology(Draft);

impl Topology {
    pub(crate) fn checked(draft: Draft) -> Self {
        Self(draft)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Cluster that keeps the applied topology.
    pub fn home(&self) -> Option<&Alias> {
        self.0.home.as_ref()
    }

    /// In the file's order.
    pub fn clusters(&self) -> &[Cluster] {
        &self.0.clusters
    }

    /// In the file's order.
    pub fn edges(&self) -> &[Edge] {
        &self.0.edges
    }

    /// The cluster of an alias.
    pub fn cluster(&self, alias: &Alias) -> Option<&Cluster> {
        self.0.clusters.iter().find(|c| c.alias == *alias)
    }

    /// The edge of a name.
    pub fn edge(&self, name: &EdgeName) -> Option<&Edge> {
        self.0.edges.iter().find(|e| e.name == *name)
    }

    /// The clusters and edges as they were drafted.
    pub fn draft(&self) -> &Draft {
        &self.0
    }
}
