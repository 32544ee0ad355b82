//! What is to be compared: every partition of the selected edges, with what both clusters say of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::edge::{Edge, Forward, Start};
use crossdock_model::graph::Names;
use crossdock_model::name::Alias;
use crossdock_model::note::Note;
use crossdock_model::offsets::topic_id;
use crossdock_model::plan::Config;
use crossdock_model::provenance::Hop;
use crossdock_model::select::Selection;
use crossdock_model::topology::Topology;
use crossdock_model::verify::{Excuse, Lens, Rules, Span, stretches};

use super::{Options, Stretch};
use crate::connect::Clusters;
use crate::kafka::{Cluster, Error, Fetched, Group, Tail, TopicPartition, last_copied};
use crate::stream::Twin;
use crate::twins::{Sides, sides};

/// A partition to compare.
#[derive(Clone)]
pub struct Item {
    /// The edge.
    pub edge: Arc<Edge>,
    /// The partition on both sides.
    pub twin: Twin,
    /// The target has no such partition: nothing of it was copied, and nothing is compared.
    pub is_alone: bool,
    /// The clusters.
    pub source: Arc<Cluster>,
    /// The cluster that is written.
    pub target: Arc<Cluster>,
    /// What its records are told by.
    pub lens: Lens,
    /// What is to be taken into account.
    pub rules: Rules,
    /// Source offsets that are compared, in the order of offsets: the whole, or stretches of it.
    pub spans: Vec<Span>,
    /// Whether the spans are all that there is to compare.
    pub is_whole: bool,
    /// Log start offset of the source.
    pub source_start: i64,
    /// The edge's position at the source, as far as it is known.
    pub position: i64,
    /// Target offsets that may hold copies: from the log start, or where the present incarnation
    /// begins, to before the high watermark.
    pub target_span: (i64, i64),
    /// Log start offset of the target.
    pub target_start: i64,
    /// Records that the edge has not copied yet, in offsets.
    pub not_copied: u64,
}

/// What both clusters say of an edge's partitions.
#[derive(Default)]
struct Seen {
    committed: BTreeMap<TopicPartition, Fetched>,
    target_ends: BTreeMap<TopicPartition, i64>,
    target_starts: BTreeMap<TopicPartition, i64>,
    source_ends: BTreeMap<TopicPartition, i64>,
    source_starts: BTreeMap<TopicPartition, i64>,
    topic_ids: BTreeMap<String, String>,
    source_configs: Configs,
    target_configs: Configs,
}

type Configs = BTreeMap<String, Option<BTreeMap<String, Config>>>;

/// Looks at both clusters of every selected edge.
///
/// # Errors
/// A cluster does not answer, or refuses.
pub fn survey(topology: &Topology, options: &Options) -> Result<Vec<Item>, Error> {
    let names = Names::new(topology.draft());
    let mut clusters = Clusters::new(topology);
    let mut items = Vec::new();
    for edge in topology.edges() {
        let is_named = options.edges.iter().any(|name| name == edge.name.as_str());
        if is_named || (options.edges.is_empty() && edge.enabled) {
            let ends = (clusters.get(&edge.source)?, clusters.get(&edge.target)?);
            items.extend(of_edge(topology, edge, &names, ends, options)?);
        }
    }
    Ok(items)
}

fn of_edge(
    topology: &Topology,
    edge: &Edge,
    names: &Names,
    (source, target): (Arc<Cluster>, Arc<Cluster>),
    options: &Options,
) -> Result<Vec<Item>, Error> {
    let is_wanted = |topic: &str| {
        options.topics.is_empty() || options.topics.iter().any(|pattern| pattern.is_match(topic))
    };
    let Sides { twins, alone } = sides(edge, names, (&source, &target), is_wanted)?;
    let seen = see(topology, edge, &twins, (&source, &target))?;
    let (source_id, target_id) = (source.id()?.to_string(), target.id()?.to_string());
    let edge = Arc::new(edge.clone());
    let times = times(options.stretch, &source, &twins)?;
    let starts = match edge.start {
        Start::Timestamp(time) => source.offsets_at(&sources(&twins), time)?,
        Start::Earliest | Start::Latest => BTreeMap::new(),
    };
    let selection = Selection::of(&edge);
    let item = |twin: Twin, seen: &Seen| Item {
        edge: edge.clone(),
        is_alone: false,
        source: source.clone(),
        target: target.clone(),
        rules: Rules::default(),
        spans: Vec::new(),
        is_whole: true,
        source_start: seen.at(&seen.source_starts, &twin.source()),
        position: 0,
        target_span: (0, 0),
        target_start: seen.at(&seen.target_starts, &twin.target()),
        not_copied: 0,
        lens: Lens {
            source_id: source_id.clone(),
            target_id: target_id.clone(),
            topic: twin.source_topic.to_string(),
            partition: twin.partition,
            topic_id: seen
                .topic_ids
                .get(&*twin.source_topic)
                .map(|id| topic_id(id).into_owned()),
            is_recreated: false,
            provenance: edge.provenance,
            is_local_only: edge.forward == Forward::Local,
            selection: selection.clone(),
        },
        twin,
    };
    let mut items = Vec::new();
    for twin in twins {
        let start = starts.get(&twin.source()).copied();
        let item = item(twin, &seen);
        items.push(item.with(&seen, start, options.stretch, &times)?);
    }
    let seen = Seen {
        source_ends: source.end_offsets(&sources(&alone))?,
        source_starts: source.start_offsets(&sources(&alone))?,
        ..Seen::default()
    };
    items.extend(alone.into_iter().map(|twin| item(twin, &seen).alone(&seen)));
    Ok(items)
}

fn sources(twins: &[Twin]) -> Vec<TopicPartition> {
    twins.iter().map(Twin::source).collect()
}

/// First the positions, then the target's ends, then the source's: what is final lies before the
/// former, and what the target holds was read before the latter.
fn see(
    topology: &Topology,
    edge: &Edge,
    twins: &[Twin],
    (source, target): (&Cluster, &Cluster),
) -> Result<Seen, Error> {
    let (ours, theirs) = (
        sources(twins),
        twins.iter().map(Twin::target).collect::<Vec<_>>(),
    );
    let group = Group::new(
        target,
        &format!("crossdock.{}.{}", topology.name(), edge.name),
    )?;
    let mut source_topics: Vec<&str> = twins.iter().map(|t| &*t.source_topic).collect();
    let mut target_topics: Vec<&str> = twins.iter().map(|t| &*t.target_topic).collect();
    source_topics.dedup();
    target_topics.sort_unstable();
    target_topics.dedup();
    let configs = |cluster: &Cluster, topics: &[&str]| {
        if cluster.capabilities().admin {
            cluster.topic_configs(topics)
        } else {
            Ok(Configs::new())
        }
    };
    Ok(Seen {
        committed: group.committed(&theirs)?,
        target_ends: target.high_watermarks(&theirs)?,
        target_starts: target.start_offsets(&theirs)?,
        source_ends: source.end_offsets(&ours)?,
        source_starts: source.start_offsets(&ours)?,
        topic_ids: source.topic_ids(&source_topics)?,
        source_configs: configs(source, &source_topics)?,
        target_configs: configs(target, &target_topics)?,
    })
}

/// Offsets at the two ends of a stretch of time.
type Times = [Option<BTreeMap<TopicPartition, i64>>; 2];

fn times(stretch: Stretch, source: &Cluster, twins: &[Twin]) -> Result<Times, Error> {
    let Stretch::Times(since, until) = stretch else {
        return Ok([None, None]);
    };
    let at = |time: Option<i64>| {
        time.map(|time| source.offsets_at(&sources(twins), time))
            .transpose()
    };
    Ok([at(since)?, at(until)?])
}

impl Seen {
    fn at(&self, offsets: &BTreeMap<TopicPartition, i64>, place: &TopicPartition) -> i64 {
        offsets.get(place).copied().unwrap_or(0)
    }
}

impl Item {
    fn with(
        mut self,
        seen: &Seen,
        start: Option<i64>,
        stretch: Stretch,
        times: &Times,
    ) -> Result<Self, Error> {
        let fetched = seen.committed.get(&self.twin.target());
        let end = seen.at(&seen.source_ends, &self.twin.source());
        let target_end = seen.at(&seen.target_ends, &self.twin.target());
        let note = fetched
            .map(|f| Note::parse(&f.metadata))
            .unwrap_or_default();
        // Where source offsets have gone back, what was copied before lies before that place.
        let born = note.born.unwrap_or(0);
        self.target_span = (born.max(self.target_start), target_end);
        // The position of an earlier incarnation says nothing of the present one.
        let is_outdated = matches!(
            (note.topic_id.as_deref(), self.lens.topic_id.as_deref()),
            (Some(then), Some(now)) if topic_id(then) != topic_id(now)
        );
        self.lens.is_recreated = is_outdated;
        self.position = match fetched.and_then(|f| f.offset) {
            _ if is_outdated => self.source_start,
            Some(position) => position,
            None => self.tail()?,
        };
        let to = self.position.min(end).max(self.source_start);
        self.not_copied = u64::try_from(end - to).unwrap_or(0);
        self.rules = self.rules(seen, start);
        let (from, to) = self.bounds((self.source_start, to), stretch, times);
        self.is_whole = matches!(stretch, Stretch::Whole);
        let parts = match stretch {
            Stretch::Sample(sample, seed) => stretches(
                (from, to),
                sample,
                seed ^ u64::from(self.twin.partition.unsigned_abs()),
            ),
            _ => vec![(from, to)],
        };
        let span = |(from, to)| Span {
            from,
            to,
            log_start: self.source_start,
            source_end: end,
        };
        self.spans = parts.into_iter().map(span).collect();
        Ok(self)
    }

    /// A partition that the target has not: all of it is still to be copied.
    fn alone(mut self, seen: &Seen) -> Self {
        let end = seen.at(&seen.source_ends, &self.twin.source());
        self.is_alone = true;
        self.position = self.source_start;
        self.not_copied = u64::try_from(end - self.source_start).unwrap_or(0);
        self.spans = vec![Span {
            from: self.source_start,
            to: self.source_start,
            log_start: self.source_start,
            source_end: end,
        }];
        self
    }

    /// Where the last copy says that the edge stands: its committed offset may have expired.
    fn tail(&self) -> Result<i64, Error> {
        let Lens {
            source_id,
            topic,
            partition,
            ..
        } = &self.lens;
        let is_ours = |hop: &Hop<'_>| {
            hop.cluster_id == *source_id
                && !hop.is_repair()
                && hop.topic == *topic
                && hop.partition == *partition
        };
        if !self.edge.provenance {
            return Ok(self.source_start);
        }
        let twin = &self.twin;
        Ok(
            match last_copied(&self.target, &twin.target_topic, twin.partition, is_ours)? {
                Tail::Last(offset) => offset + 1,
                Tail::Never | Tail::Unknown => self.source_start,
            },
        )
    }

    fn rules(&self, seen: &Seen, start: Option<i64>) -> Rules {
        let says = |configs: &Configs, topic: &str, key: &str, word: &str| {
            let config = configs.get(topic).and_then(|c| c.as_ref()?.get(key));
            config.is_some_and(|c| c.value.contains(word))
        };
        let compacted =
            |configs: &Configs, topic: &str| says(configs, topic, "cleanup.policy", "compact");
        // Copies of the present incarnation may have been removed, if it began before the log does now.
        let before_first = if self.target_start > 0 && self.target_span.0 == self.target_start {
            Some((Excuse::TrimmedAtTarget, i64::MAX))
        } else if !self.edge.provenance && self.source_start > 0 {
            Some((Excuse::TrimmedAtSource, i64::MAX))
        } else {
            match self.edge.start {
                Start::Earliest => None,
                Start::Latest => Some((Excuse::BeforeStart, i64::MAX)),
                Start::Timestamp(_) => start.map(|offset| (Excuse::BeforeStart, offset)),
            }
        };
        Rules {
            ignores_timestamps: says(
                &seen.target_configs,
                &self.twin.target_topic,
                "message.timestamp.type",
                "LogAppendTime",
            ),
            source_is_compacted: compacted(&seen.source_configs, &self.twin.source_topic),
            target_is_compacted: compacted(&seen.target_configs, &self.twin.target_topic),
            before_first,
        }
    }

    fn bounds(&self, (from, to): (i64, i64), stretch: Stretch, times: &Times) -> (i64, i64) {
        let at = |found: &Option<BTreeMap<TopicPartition, i64>>| {
            found.as_ref()?.get(&self.twin.source()).copied()
        };
        let (since, until) = match stretch {
            Stretch::Whole | Stretch::Sample(..) => (None, None),
            Stretch::Offsets(since, until) => (since, until),
            Stretch::Times(..) => (at(&times[0]), at(&times[1])),
        };
        let from = since.unwrap_or(from).clamp(from, to);
        (from, until.unwrap_or(to).clamp(from, to))
    }

    /// Leaves out what lies before a source offset: it was compared before. Without provenance no part
    /// can be found, and all is compared again.
    pub fn go_on_from(&mut self, offset: i64) {
        if let Some(span) = self.spans.first_mut()
            && self.edge.provenance
            && offset > span.from
        {
            span.from = offset.min(span.to);
            self.is_whole = false;
        }
    }

    /// Offsets to be read on both sides, for who watches.
    pub fn width(&self) -> u64 {
        let source: i64 = self.spans.iter().map(|s| s.to - s.from).sum();
        let (from, to) = self.target_span;
        let target = if self.is_whole { to - from } else { source };
        u64::try_from(source + target).unwrap_or(0)
    }

    /// The alias of one of its ends, for messages.
    pub fn alias(&self, of_source: bool) -> &Alias {
        if of_source {
            &self.edge.source
        } else {
            &self.edge.target
        }
    }
}
