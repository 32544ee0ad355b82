//! How a transaction ends: flushed, and with the positions committed; or aborted.
#![expect(
    unsafe_code,
    reason = "rd_kafka_flush is called directly: it is to return while records are on their way"
)]

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::bindings as sys;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::{
    CommitError, QUEUE_FULL_WAIT, REPORTED_WITHIN, Refused, STEP_GRACE, STEP_WITHIN, Writer,
};
use crate::kafka::group::{Group, Position, position_list};
use crate::kafka::member::Lease;
use crate::kafka::{Error, ErrorKind};

impl Writer {
    /// Waits until the target has acknowledged everything.
    ///
    /// # Errors
    /// `Refused` as soon as one record failed.
    pub fn flush(&mut self) -> Result<(), CommitError> {
        let deadline = Instant::now() + STEP_WITHIN * 4;
        loop {
            // SAFETY: the client is alive. Returns as soon as the queue is empty.
            let flushed = unsafe { sys::rd_kafka_flush(self.producer.client().native_ptr(), 50) };
            self.producer.poll(Duration::ZERO);
            self.context.tend(self.producer.client().native_ptr());
            let refused = self.take_refused();
            if !refused.is_empty() {
                return Err(CommitError::Refused(refused));
            }
            match RDKafkaErrorCode::from(flushed) {
                RDKafkaErrorCode::NoError => return Ok(()),
                code if code != RDKafkaErrorCode::OperationTimedOut
                    || Instant::now() > deadline =>
                {
                    return Err(CommitError::Renew(
                        self.error("get records acknowledged", &KafkaError::Flush(code)),
                    ));
                }
                _ => {}
            }
        }
    }

    /// The same, for a lease that must still be good when all is acknowledged.
    ///
    /// # Errors
    /// `Abort` where it is not.
    pub fn settle(&mut self, lease: &Lease) -> Result<(), CommitError> {
        self.flush()?;
        if lease.is_dead() {
            return Err(CommitError::Abort(
                self.context
                    .plain(ErrorKind::Stale, "the lease was taken away"),
            ));
        }
        Ok(())
    }

    fn take_refused(&self) -> Vec<Refused> {
        self.producer.context().take_refused()
    }

    /// What was refused before the producer said `code`. A transaction that takes no more is in error
    /// a moment before the report of the record that did it arrives.
    pub(super) fn refused_before(&self, code: RDKafkaErrorCode) -> Vec<Refused> {
        let wait = match code {
            RDKafkaErrorCode::State => REPORTED_WITHIN,
            _ => Duration::ZERO,
        };
        let deadline = Instant::now() + wait;
        loop {
            self.producer.poll(QUEUE_FULL_WAIT.min(wait));
            let refused = self.take_refused();
            if !refused.is_empty() || Instant::now() >= deadline {
                return refused;
            }
        }
    }

    /// Commits the open transaction, with source positions in it, under a lease, unless `check` has something
    /// against what is acknowledged by then. Begins one for the positions alone when nothing was sent.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(
        &mut self,
        group: &Lease,
        positions: &[Position],
        check: &dyn Fn() -> Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        self.begin()?;
        self.flush()?;
        let refuse =
            |reason: &str| CommitError::Abort(self.context.plain(ErrorKind::Fenced, reason));
        if group.metadata().is_none() {
            return Err(refuse("the lease names no group"));
        }
        if group.is_dead() {
            return Err(refuse("the lease was taken away"));
        }
        self.add_positions(positions, group, check)?;
        if group.is_dead() {
            return Err(refuse("the lease was taken away"));
        }
        self.end()
    }

    /// Commits the open transaction with positions of a group that this writer has no lease of: for what
    /// is done by hand, beside the edge's streams.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit_by_hand(
        &mut self,
        group: &Group,
        positions: &[Position],
    ) -> Result<(), CommitError> {
        self.begin()?;
        self.flush()?;
        let metadata = group.metadata().ok_or_else(|| {
            let reason = "the client has no group";
            CommitError::Abort(self.context.plain(ErrorKind::Other, reason))
        })?;
        self.add_positions(positions, &Lease::new(Some(metadata)), &|| Ok(()))?;
        self.end()
    }

    /// The check is asked meanwhile: it costs no time of its own.
    fn add_positions(
        &self,
        positions: &[Position],
        lease: &Lease,
        check: &dyn Fn() -> Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        let doing = "commit the positions";
        let list = position_list(positions)
            .map_err(|e| CommitError::Abort(self.error("note the positions", &e)))?;
        let list = Arc::new(list);
        let checked = RefCell::new(Ok(()));
        self.step(doing, || {
            self.in_time(&list, lease, || {
                *checked.borrow_mut() = check();
            })
        })?;
        checked.into_inner()
    }

    /// librdkafka forgets the time limit of this call when the group's coordinator goes (issue 5456), and where
    /// that broker has left the cluster's metadata the call may never return (issue 5511). Then its client
    /// is left to itself, for whoever takes a new epoch makes another; the call ends when any broker
    /// of the client comes or goes.
    fn in_time(
        &self,
        list: &Arc<TopicPartitionList>,
        lease: &Lease,
        meanwhile: impl Fn(),
    ) -> Result<(), KafkaError> {
        let (told, outcome) = sync_channel(1);
        let (producer, list, lease) = (self.producer.clone(), list.clone(), lease.clone());
        let call = move || {
            let Some(metadata) = lease.metadata() else {
                return;
            };
            let sent = producer.send_offsets_to_transaction(&list, metadata, STEP_WITHIN);
            // Nobody waits any more for what comes too late.
            told.send(sent).ok();
        };
        let late = KafkaError::OffsetFetch(RDKafkaErrorCode::OperationTimedOut);
        match thread::Builder::new()
            .name("positions".to_owned())
            .spawn(call)
        {
            Ok(_) => {
                meanwhile();
                let outcome = outcome.recv_timeout(STEP_WITHIN + STEP_GRACE);
                outcome.unwrap_or(Err(late))
            }
            Err(_) => Err(late),
        }
    }

    fn end(&mut self) -> Result<(), CommitError> {
        self.step("commit the transaction", || {
            self.producer.commit_transaction(STEP_WITHIN)
        })?;
        self.in_transaction = false;
        Ok(())
    }

    /// Commits the open transaction of records alone: nobody's position is in it.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn finish(&mut self) -> Result<(), CommitError> {
        if !self.in_transaction {
            return Ok(());
        }
        self.flush()?;
        self.step("commit the transaction", || {
            self.producer.commit_transaction(STEP_WITHIN)
        })?;
        self.in_transaction = false;
        Ok(())
    }

    /// One step of a commit, tried twice where Kafka says that it may be.
    fn step(
        &self,
        doing: &str,
        attempt: impl Fn() -> Result<(), KafkaError>,
    ) -> Result<(), CommitError> {
        let mut error = match attempt() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if matches!(&error, KafkaError::Transaction(e) if e.is_retriable() && !e.txn_requires_abort())
        {
            match attempt() {
                Ok(()) => return Ok(()),
                Err(second) => error = second,
            }
        }
        let told = self.error(doing, &error);
        match error {
            KafkaError::Transaction(e) if e.txn_requires_abort() => Err(CommitError::Abort(told)),
            _ => Err(CommitError::Renew(told)),
        }
    }

    /// Aborts the open transaction, or forgets what is queued.
    ///
    /// # Errors
    /// Its outcome is unknown: take a new epoch.
    pub fn abort(&mut self) -> Result<(), Error> {
        if !self.in_transaction {
            self.take_refused();
            return Ok(());
        }
        // Aborting waits for delivery reports, which somebody else must serve meanwhile.
        let ended = AtomicBool::new(false);
        let aborted = thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    self.producer.poll(QUEUE_FULL_WAIT);
                }
            });
            let aborted = self.producer.abort_transaction(STEP_WITHIN);
            ended.store(true, Ordering::Release);
            aborted
        });
        self.take_refused();
        aborted.map_err(|e| self.error("abort the transaction", &e))?;
        self.in_transaction = false;
        Ok(())
    }
}
