//! What users produce in a scene, before it and while something is done to it.

use super::Scene;
use crate::dump;
use crate::load::Load;
use crate::record::Record;
use crate::wait;
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

    /// The same, where one may be as large as Kafka lets it.
    pub fn produce_large(
        &mut self,
        alias: &str,
        topic: &str,
        records: impl IntoIterator<Item = Record>,
    ) {
        let mut writer = self.writer(alias, topic, Writer::large);
        records.into_iter().for_each(|r| writer.write_record(0, r));
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// Produces records that look replicated: no verdict knows of them.
    pub fn produce_forged(
        &mut self,
        alias: &str,
        topic: &str,
        records: impl IntoIterator<Item = Record>,
    ) {
        let mut writer = self.writer(alias, topic, Writer::new);
        records.into_iter().for_each(|r| writer.write_record(0, r));
        drop(writer.finish(PATIENCE));
    }

    /// Produces `count` records in transactions, nine of ten of them aborted.
    pub fn produce_mostly_aborted(&mut self, alias: &str, topic: &str, count: usize) {
        let mut writer = self.writer(alias, topic, Writer::transactional);
        for number in 0..count / 20 {
            writer
                .write_transaction(20, number % 10 != 9)
                .expect("nothing is in its way");
        }
        self.known.births.extend(writer.finish(PATIENCE));
    }

    /// Begins a transaction, writes `count` records, and leaves it open.
    pub fn hanging_transaction(&mut self, alias: &str, topic: &str, count: usize) -> Writer {
        let mut writer = self.writer(alias, topic, Writer::transactional);
        writer.leave_open(count);
        writer
    }

    /// Aborts a transaction that was left open.
    pub fn abort(&mut self, hanging: Writer) {
        self.known.births.extend(hanging.abort());
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

    /// The same for a long time: odd shapes more seldom.
    pub fn lasting_load(&mut self, alias: &str, topic: &str, rate: usize) {
        let writer = self.writer(alias, topic, Writer::lasting);
        self.loads.push(Load::start(writer, rate));
    }

    /// The same, of records that are made now.
    pub fn live_load(&mut self, alias: &str, topic: &str, rate: usize) {
        let writer = self.writer(alias, topic, Writer::live);
        self.loads.push(Load::start(writer, rate));
    }

    /// Produces some `rate` records a second in transactions, a fifth of them aborted.
    pub fn transactional_load(&mut self, alias: &str, topic: &str, rate: usize) {
        let place = self.place(alias, topic);
        self.transactional
            .insert((alias.to_owned(), topic.to_owned()));
        let id = format!("testbed-{topic}-{}", self.topology);
        let load = Load::in_transactions(place, self.known.seed, self.sequence, id, rate);
        self.loads.push(load);
    }

    fn writer(&mut self, alias: &str, topic: &str, make: fn(Place, u64, u64) -> Writer) -> Writer {
        let place = self.place(alias, topic);
        make(place, self.known.seed, self.sequence)
    }

    /// Where a new writer writes; its sequence is apart from that of all others.
    fn place(&mut self, alias: &str, topic: &str) -> Place {
        let bootstrap = self.bootstrap(alias);
        // Of several brokers one may not have heard of it yet.
        let partitions = wait::until("the topic is known", self.patience, || {
            let there = dump::topics(&bootstrap);
            there.get(topic).copied().ok_or("not yet")
        });
        // It is in the timestamps, too, which may not lie in the future.
        self.sequence += 2_000_000;
        Place {
            cluster: alias.to_owned(),
            bootstrap,
            topic: topic.to_owned(),
            partitions,
        }
    }
}
