//! Topics that are deleted and created again at the source: with a shorter, an equal and a longer log, with
//! fewer, as many and more partitions, while it runs and while it does not. Only their id tells.

use std::time::Duration;

use crossdock_testbed::record::Record;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use crate::scenes::{ONE_WAY, scene};

const TEXT: &str = r#"
topology: recreated
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { name: halts, from: bj, to: sh, topics: "halt-.*" }
  - { name: restarts, from: bj, to: sh, topics: "restart-.*", on_recreated: restart }
"#;

/// Partitions of each topic before.
const PARTITIONS: usize = 2;

/// Records of each partition before.
const RECORDS: usize = 20;

/// What a topic is made into.
struct Case {
    topic: String,
    /// Partitions that it has then.
    partitions: usize,
    /// Records of each of them.
    records: usize,
}

impl Case {
    /// Every combination of lengths and numbers of partitions.
    fn all(policy: &str, when: &str) -> Vec<Self> {
        let lengths = [("shorter", 10), ("equal", RECORDS), ("longer", 30)];
        let mut cases = Vec::new();
        for (length, records) in lengths {
            for partitions in 1..=3 {
                cases.push(Self {
                    topic: format!("{policy}-{when}-{length}-{partitions}"),
                    partitions,
                    records,
                });
            }
        }
        cases
    }

    fn begin(&self, scene: &mut Scene) {
        scene.topic("bj", &self.topic, PARTITIONS);
        scene.produce("bj", &self.topic, PARTITIONS * RECORDS);
    }

    fn recreate(&self, scene: &mut Scene) {
        scene.recreate("bj", &self.topic, self.partitions);
        scene.produce("bj", &self.topic, self.partitions * self.records);
    }

    /// The source offsets that a target partition holds where the new topic is copied behind the old one.
    fn restarted(&self, partition: usize) -> Vec<i64> {
        let of = |is_there: bool, count: usize| 0..if is_there { count as i64 } else { 0 };
        let before = of(partition < PARTITIONS, RECORDS);
        let after = of(partition < self.partitions, self.records);
        before.chain(after).collect()
    }

    fn until_restarted(&self, scene: &Scene) {
        let all = 0..PARTITIONS.max(self.partitions);
        let expected: Vec<_> = all.map(|partition| self.restarted(partition)).collect();
        let limit = Duration::from_secs(180);
        wait::until(&format!("{} is whole", self.topic), limit, || {
            let found = copied(scene, &self.topic, expected.len());
            match found == expected {
                true => Ok(()),
                false => Err(format!("{found:?}")),
            }
        });
    }

    /// Every partition that it had and has stands, and nothing of the new one is at the target.
    fn assert_halts(&self, scene: &mut Scene) {
        for partition in 0..PARTITIONS.min(self.partitions) {
            let reason = scene.until_partition(&self.topic, partition as i64, "halted");
            let named = format!("recreated: topic {} was deleted", self.topic);
            for words in [&named, "`bj`", "on_recreated: restart"] {
                assert!(reason.contains(words), "`{words}` is not in: {reason}");
            }
        }
        let before = vec![(0..RECORDS as i64).collect::<Vec<_>>(); PARTITIONS];
        assert_eq!(copied(scene, &self.topic, PARTITIONS), before);
    }
}

/// The source offsets of what lies at the target, by partition, in order.
fn copied(scene: &Scene, topic: &str, partitions: usize) -> Vec<Vec<i64>> {
    let mut offsets = vec![Vec::new(); partitions];
    let hops = |record: &Record| record.last_hop().expect("each copy has a hop");
    for hop in scene.records("sh", topic).iter().map(hops) {
        if let Some(of) = offsets.get_mut(hop.partition) {
            of.push(hop.offset);
        }
    }
    offsets
}

#[test]
fn a_topic_created_again_is_told_by_its_id_whatever_its_length_partitions_and_moment() {
    let mut scene = scene("recreated", &["bj", "sh"], TEXT);
    let of = |policy| ["stopped", "running"].map(|when| Case::all(policy, when));
    let ([halt_stopped, halt_running], [restart_stopped, restart_running]) =
        (of("halt"), of("restart"));
    let all = [
        &halt_stopped,
        &halt_running,
        &restart_stopped,
        &restart_running,
    ];
    all.into_iter()
        .flatten()
        .for_each(|case| case.begin(&mut scene));
    scene.start();
    scene.until_caught_up();

    scene.dock(DOCK).kill();
    let stopped = halt_stopped.iter().chain(&restart_stopped);
    stopped.for_each(|case| case.recreate(&mut scene));
    scene.dock(DOCK).restart();
    restart_stopped
        .iter()
        .for_each(|case| case.until_restarted(&scene));
    halt_stopped
        .iter()
        .for_each(|case| case.assert_halts(&mut scene));

    let running = halt_running.iter().chain(&restart_running);
    running.for_each(|case| case.recreate(&mut scene));
    restart_running
        .iter()
        .for_each(|case| case.until_restarted(&scene));
    halt_running
        .iter()
        .for_each(|case| case.assert_halts(&mut scene));
    // A restart changes nothing about what stands.
    scene.dock(DOCK).kill();
    scene.dock(DOCK).restart();
    halt_running
        .iter()
        .for_each(|case| case.assert_halts(&mut scene));
    println!("{} topics created again", all.into_iter().flatten().count());
}

#[test]
fn a_topic_that_is_created_again_while_it_is_copied_starts_again_and_its_records_say_so() {
    let text = ONE_WAY.replace("products }", "products, on_recreated: restart }");
    let mut scene = scene("recreated-running", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 1);
    scene.route("bj-to-sh", "orders", "orders");
    scene.produce("bj", "orders", 100);
    scene.start();
    scene.until_partition("orders", 0, "caught_up");
    // Longer than before: no offset is out of range.
    scene.recreate("bj", "orders", 1);
    scene.produce("bj", "orders", 400);
    scene.until_copied("sh", "orders", 500);
    scene.until_partition("orders", 0, "caught_up");
    let records = scene.records("sh", "orders");
    let hops = |r: &Record| r.last_hop().expect("each has a hop").offset;
    let offsets: Vec<i64> = records.iter().map(hops).collect();
    let expected: Vec<i64> = (0..100).chain(0..400).collect();
    assert_eq!(
        offsets, expected,
        "none left out, none twice, none of it in the middle"
    );
    let parts = |r: &Record| {
        let via = r.headers.last().and_then(|(_, value)| value.clone());
        String::from_utf8_lossy(&via.unwrap_or_default())
            .split('/')
            .count()
    };
    assert!(records[..100].iter().all(|r| parts(r) == 5));
    assert!(
        records[100..].iter().all(|r| parts(r) == 6),
        "of a later incarnation"
    );
    // The same after a restart.
    scene.dock(DOCK).kill();
    scene.produce("bj", "orders", 50);
    scene.dock(DOCK).restart();
    scene.until_partition("orders", 0, "caught_up");
    let records = scene.records("sh", "orders");
    assert_eq!((records.len(), parts(&records[549])), (550, 6));
}
