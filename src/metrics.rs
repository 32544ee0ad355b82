//! Metrics: every name stands in [`families`], made from the same snapshots as `/api/v1/status`.
//!
//! `docs/metrics.md` has the same table for people; a test holds the two together.

mod families;
pub mod otlp;
mod watched;

use std::fmt::Error;

use clap::ValueEnum;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;

use crate::monitor::EdgeView;
use crate::process::{self, Usage};

/// Content type of the page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Detail {
    /// Edges only, however many partitions there are.
    Edge,
    /// Edges and each of their partitions.
    #[default]
    Partition,
}

/// The page.
///
/// # Errors
/// Writing into a string does not fail.
pub fn encode(edges: Vec<EdgeView>, detail: Detail) -> Result<String, Error> {
    let page = Page {
        edges,
        detail,
        usage: process::usage(),
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(page));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// The page of `verify --watch`.
///
/// # Errors
/// Writing into a string does not fail.
pub fn encode_watched(state: crate::verify::watch::State) -> Result<String, Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(watched::Page(state)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Page {
    edges: Vec<EdgeView>,
    detail: Detail,
    usage: Option<Usage>,
}

impl Collector for Page {
    fn encode(&self, mut page: DescriptorEncoder) -> Result<(), Error> {
        for family in families::of_edges() {
            family.encode(&mut page, &self.edges)?;
        }
        families::latency(&mut page, &self.edges)?;
        if self.detail == Detail::Partition {
            for family in families::of_partitions() {
                family.encode(&mut page, &self.edges)?;
            }
        }
        families::of_process(&mut page, self.usage)
    }
}

#[cfg(test)]
mod tests;
