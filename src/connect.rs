//! Clients of a topology's clusters, for commands that ask them: one for each cluster, made when it is
//! first needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::name::Alias;
use crossdock_model::topology::Topology;

use crate::kafka::{Cluster, Error, ErrorKind};
use crate::worker::settings;

/// The clusters of a topology.
pub struct Clusters<'t> {
    topology: &'t Topology,
    made: BTreeMap<Alias, Arc<Cluster>>,
}

impl<'t> Clusters<'t> {
    /// No client is made yet.
    pub fn new(topology: &'t Topology) -> Self {
        Self {
            topology,
            made: BTreeMap::new(),
        }
    }

    /// The client of a cluster; nothing is asked of it yet.
    ///
    /// # Errors
    /// It is not declared, or has a property that librdkafka refuses.
    pub fn get(&mut self, alias: &Alias) -> Result<Arc<Cluster>, Error> {
        if let Some(cluster) = self.made.get(alias) {
            return Ok(cluster.clone());
        }
        let declared = self.topology.cluster(alias).ok_or_else(|| Error {
            cluster: alias.clone(),
            kind: ErrorKind::Other,
            reason: "it is not declared".to_owned(),
        })?;
        let cluster = Arc::new(Cluster::new(alias, settings::admin(declared), None)?);
        self.made.insert(alias.clone(), cluster.clone());
        Ok(cluster)
    }
}
