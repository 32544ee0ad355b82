//! A stream's member in the edge's group on the target cluster.
//!
//! It never reads a record: every partition is paused inside the assign callback. It exists so that
//! Kafka's own group protocol hands out the work, and so that progress can be fetched and committed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::client::{Context, kind_of};
use super::group::{self, Fetched, Position};
use super::{Cluster, Error, ErrorKind, Properties, TopicPartition};

/// How long a stream has to end its transaction before its partitions go to somebody else.
const REVOKE_WITHIN: Duration = Duration::from_secs(20);

/// How long committed offsets are waited for that an open transaction may still change.
const SETTLED_WITHIN: Duration = Duration::from_secs(3);

/// The right to commit for the partitions that came with it: the group's generation, read inside the
/// rebalance callback that gave them. Read any later, it could be that of a member which rejoined
/// behind our back, and would make a zombie's records valid.
#[derive(Clone)]
pub struct Lease(Arc<Held>);

struct Held {
    metadata: Option<ConsumerGroupMetadata>,
    dead: AtomicBool,
}

impl Lease {
    pub(super) fn new(metadata: Option<ConsumerGroupMetadata>) -> Self {
        Self(Arc::new(Held {
            metadata,
            dead: AtomicBool::new(false),
        }))
    }

    /// A dead lease was taken away without the stream having answered: it must not commit.
    pub fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::Acquire)
    }

    pub(super) fn metadata(&self) -> Option<&ConsumerGroupMetadata> {
        self.0.metadata.as_ref()
    }
}

/// What the group tells a stream. The member waits until `done` is dropped.
pub enum Membership {
    /// These target partitions come to the stream. The lease holds for everything it has from now on.
    Granted {
        /// The new lease.
        lease: Lease,
        /// What came; may be empty when only the generation changed.
        partitions: Vec<TopicPartition>,
    },
    /// These go to somebody else, as soon as the stream has ended its transaction.
    Revoked {
        /// What goes.
        partitions: Vec<TopicPartition>,
        /// Dropped when the transaction has ended.
        done: SyncSender<()>,
    },
    /// These are somebody else's already: abort, never commit.
    Lost {
        /// What is gone.
        partitions: Vec<TopicPartition>,
        /// Dropped when the transaction has been aborted.
        done: SyncSender<()>,
    },
}

struct MemberContext {
    base: Context,
    group: String,
    events: Sender<Membership>,
    current: Mutex<Option<Lease>>,
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.base.log(level, facility, text);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        ClientContext::error(&self.base, error, reason);
    }
}

impl ConsumerContext for MemberContext {
    fn rebalance(
        &self,
        member: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let outcome = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(member, list)
        } else {
            self.revoke(member, list);
            member.incremental_unassign(list)
        };
        if let Err(error) = outcome {
            tracing::warn!(
                group = self.group,
                "Cannot follow the group's assignment: {error}."
            );
        }
    }
}

impl MemberContext {
    fn assign(
        &self,
        member: &BaseConsumer<Self>,
        list: &TopicPartitionList,
    ) -> Result<(), KafkaError> {
        // Read before anything else: from here on librdkafka may rejoin by itself.
        let lease = Lease::new(member.group_metadata());
        member.incremental_assign(list)?;
        member.pause(list)?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease.clone());
        // A stream that has stopped already has nothing to be told.
        self.events
            .send(Membership::Granted {
                lease,
                partitions: partitions(list),
            })
            .ok();
        Ok(())
    }

    fn revoke(&self, member: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let (done, ended) = sync_channel(0);
        let partitions = partitions(list);
        let event = if member.assignment_lost() {
            self.kill_lease();
            Membership::Lost { partitions, done }
        } else {
            Membership::Revoked { partitions, done }
        };
        if self.events.send(event).is_err() {
            return;
        }
        if ended.recv_timeout(REVOKE_WITHIN) == Err(RecvTimeoutError::Timeout) {
            self.kill_lease();
            tracing::warn!(
                group = self.group,
                "A stream did not give its partitions up in time: what it has not committed is lost to it, and copied by their next owner."
            );
        }
    }

    fn kill_lease(&self) {
        if let Some(lease) = &*self.current.lock().unwrap_or_else(PoisonError::into_inner) {
            lease.0.dead.store(true, Ordering::Release);
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements()
        .iter()
        .map(|e| (e.topic().into(), e.partition()))
        .collect()
}

/// A member of an edge's group.
pub struct Member {
    consumer: BaseConsumer<MemberContext>,
    context: Context,
}

impl Member {
    /// Prepares a member of `group`; it joins when it subscribes and is polled. `instance` makes it a
    /// static member, so that a restart resumes at once.
    ///
    /// # Errors
    /// A property that librdkafka refuses.
    pub fn new(
        cluster: &Cluster,
        overrides: &Properties,
        group: &str,
        instance: &str,
        events: Sender<Membership>,
    ) -> Result<Self, Error> {
        let context = Context::new(cluster.alias(), "member");
        let mut properties = overrides
            .clone()
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest")
            // A dead owner's open transaction is waited for (KIP-447).
            .set("isolation.level", "read_committed")
            // Added partitions are seen, and shared out, this soon.
            .set("topic.metadata.refresh.interval.ms", "5000");
        properties = if cluster.capabilities().classic_groups {
            properties
                .set("group.instance.id", instance)
                .set("partition.assignment.strategy", "cooperative-sticky")
        } else {
            properties.set("group.protocol", "consumer")
        };
        let shared = MemberContext {
            base: context.clone(),
            group: group.to_owned(),
            events,
            current: Mutex::default(),
        };
        let consumer = properties
            .config()
            .create_with_context(shared)
            .map_err(|e| context.failed("set up the group member", &e))?;
        Ok(Self { consumer, context })
    }

    /// Subscribes to target topics; not empty.
    ///
    /// # Errors
    /// librdkafka refuses the list.
    pub fn subscribe(&self, topics: &[&str]) -> Result<(), Error> {
        self.consumer
            .subscribe(topics)
            .map_err(|e| self.context.failed("subscribe", &e))
    }

    /// Whether librdkafka has given this member up: only a new one helps.
    pub fn is_broken(&self) -> bool {
        self.consumer.client().fatal_error().is_some()
    }

    /// Gives all partitions up, until it subscribes again.
    pub fn leave(&self) {
        self.consumer.unsubscribe();
    }

    /// Serves the group protocol for at most `wait`: rebalance callbacks run in here.
    ///
    /// # Errors
    /// What the group says. `Fenced`: another process has taken this instance's place, for good.
    pub fn poll(&self, wait: Duration) -> Result<(), Error> {
        let polled = self.consumer.poll(wait);
        self.context.tend(self.consumer.client().native_ptr());
        if let Some((code, words)) = self.consumer.client().fatal_error() {
            let kind = if code == RDKafkaErrorCode::FencedInstanceId {
                ErrorKind::Fenced
            } else {
                kind_of(code)
            };
            return Err(self
                .context
                .plain(kind, format!("the group has put this member out: {words}")));
        }
        match polled {
            Some(Err(KafkaError::PartitionEOF(_))) | Some(Ok(_)) | None => Ok(()),
            Some(Err(error)) => Err(self.context.failed("follow the group", &error)),
        }
    }

    /// The group's committed offsets of target partitions: source positions.
    ///
    /// # Errors
    /// The coordinator does not answer or refuses; or an open transaction of a dead owner still holds
    /// them, until it times out.
    pub fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Fetched>, Error> {
        group::committed(&self.consumer, &self.context, partitions, SETTLED_WITHIN)
    }

    /// Commits source positions outside of any transaction.
    ///
    /// # Errors
    /// The coordinator does not answer, or this member's generation is over.
    pub fn commit(&self, positions: &[Position]) -> Result<(), Error> {
        group::commit(&self.consumer, positions)
            .map_err(|e| self.context.failed("commit offsets", &e))
    }
}
