//! Random topologies over names of `a`, `b` and `-`: a seed is the whole topology.

use std::fmt::Write;

use crate::simulator::{Change, Filter, Flow};

pub(crate) const FILTERS: [Filter; 10] = [
    Filter::All,
    Filter::All,
    Filter::All,
    Filter::Starts("a"),
    Filter::Starts("b-"),
    Filter::Ends("b"),
    Filter::Ends("-"),
    Filter::Holds("-a"),
    Filter::OneOf(&["a", "ab", "b-a"]),
    Filter::OneOf(&["a", "-"]),
];

const CHANGES: [Change; 10] = [
    Change::Keep,
    Change::Keep,
    Change::Keep,
    Change::Keep,
    Change::Prefix("a"),
    Change::Prefix("b-"),
    Change::Suffix("-a"),
    Change::Suffix("a"),
    Change::Strip("a"),
    Change::Strip("b-"),
];

/// xorshift64*
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// How many clusters, and the edges between them.
pub(crate) fn flows(random: &mut Random) -> (usize, Vec<Flow>) {
    let clusters = 2 + random.below(3);
    let unguarded = if random.chance(50) { 0 } else { 40 };
    let flow = |random: &mut Random| {
        let source = random.below(clusters);
        let target = (source + 1 + random.below(clusters - 1)) % clusters;
        let provenance = !random.chance(unguarded);
        Flow {
            source,
            target,
            filter: FILTERS[random.below(FILTERS.len())],
            exclude: random.chance(15).then(|| FILTERS[3 + random.below(7)]),
            change: CHANGES[random.below(CHANGES.len())],
            provenance,
            local: provenance && random.chance(20),
            merge: random.chance(40),
        }
    };
    let count = 1 + random.below(6);
    (clusters, (0..count).map(|_| flow(random)).collect())
}

/// The same as drafts are written in a line.
pub(crate) fn words(flows: &[Flow]) -> Vec<String> {
    flows.iter().enumerate().map(|(n, f)| f.words(n)).collect()
}

/// The same as a file, its edges in this order. Some renames are written with the source's alias.
pub(crate) fn yaml(aliases: &[&str], flows: &[Flow], order: &[usize]) -> String {
    let mut text = "topology: random\nclusters:\n".to_owned();
    for (number, alias) in aliases.iter().enumerate() {
        writeln!(
            text,
            "  {alias}: {{ bootstrap.servers: 'host{number}:9092' }}"
        )
        .ok();
    }
    text.push_str("edges:\n");
    for number in order {
        let flow = flows[*number];
        let (from, to) = (aliases[flow.source], aliases[flow.target]);
        let topics = flow.filter.pattern();
        write!(
            text,
            "  - {{ name: e{number}, from: {from}, to: {to}, topics: '{topics}'"
        )
        .ok();
        if let Some(exclude) = flow.exclude {
            write!(text, ", exclude_topics: '{}'", exclude.pattern()).ok();
        }
        let rename = match flow.change {
            Change::Keep => None,
            Change::Prefix("a") => Some("prefix".to_owned()),
            Change::Suffix("a") => Some("suffix".to_owned()),
            Change::Prefix(put) => Some(format!("'{put}{{topic}}'")),
            Change::Suffix(put) => Some(format!("'{{topic}}{put}'")),
            Change::Strip(cut) => Some(format!("[{{ match: '{cut}(.*)', to: $1 }}]")),
        };
        if let Some(rename) = rename {
            write!(text, ", rename: {rename}").ok();
        }
        let flags = [
            (!flow.provenance, ", provenance: false"),
            (flow.local, ", forward: local"),
            (flow.merge, ", merge: true"),
        ];
        let set = flags.into_iter().filter(|(is_set, _)| *is_set);
        text.extend(set.map(|(_, words)| words));
        text.push_str(" }\n");
    }
    text
}
