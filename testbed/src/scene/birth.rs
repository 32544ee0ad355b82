//! What users produce in a scene, before it and while something is done to it.

use super::Scene;
use crate::dump;
use crate::load::Load;
use crate::record::Record;
use crate::writer::{PATIENCE, Place, Writer};

impl Scene {
    /// Produces `count` records of all shapes, and waits until they are acknowledged.
    pub fn produce(&mut self, alias: &str, topic: &str, count: usize) {
        let mut writer = self.writer(alias, topic, Writer::new);
        writer.write(count);
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// The same in transactions, a third of them aborted.
    pub fn produce_in_transactions(&mut self, alias: &str, topic: &str, count: usize) {
        let mut writer = self.writer(alias, topic, Writer::transactional);
        writer.write_in_transactions(count);
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// Produces records of the test's own to partition 0.
    pub fn produce_records(
        &mut self,
        alias: &str,
        topic: &str,
        records: impl IntoIterator<Item = Record>,
    ) {
        let mut writer = self.writer(alias, topic, Writer::new);
        records.into_iter().for_each(|r| writer.write_record(0, r));
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// Produces `rate` records a second until `stop_load`.
    pub fn load(&mut self, alias: &str, topic: &str, rate: usize) {
        let writer = self.writer(alias, topic, Writer::new);
        self.loads.push(Load::start(writer, rate));
    }

    /// Ends all load, and waits until what was produced is acknowledged.
    pub fn stop_load(&mut self) {
        for load in self.loads.drain(..) {
            self.known.births.extend(load.stop());
        }
    }

    fn writer(&mut self, alias: &str, topic: &str, make: fn(Place, u64, u64) -> Writer) -> Writer {
        let bootstrap = self.bootstrap(alias);
        let partitions = dump::topics(&bootstrap)[topic];
        let (cluster, topic) = (alias.to_owned(), topic.to_owned());
        self.sequence += 1_000_000_000;
        let place = Place {
            cluster,
            bootstrap,
            topic,
            partitions,
        };
        make(place, self.known.seed, self.sequence)
    }
}
