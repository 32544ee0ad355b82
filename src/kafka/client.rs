//! What all clients share: properties, log lines, and errors that say which cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crossdock_model::name::Alias;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafka;

use super::lifeline::Lifeline;

/// Client properties by their librdkafka names. May hold secrets: never printed.
#[derive(Clone, Default)]
pub struct Properties(BTreeMap<String, String>);

impl Properties {
    /// Sets a property, over one that is there.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a property, unless it is there.
    #[must_use]
    pub fn or(self, name: &str, value: &str) -> Self {
        match self.0.contains_key(name) {
            true => self,
            false => self.set(name, value),
        }
    }

    /// Sets the client's name, unless it has one.
    #[must_use]
    pub fn named(self, client: &str) -> Self {
        self.or("client.id", client)
    }

    /// Lets the client tell when a topic was created again: nothing but a debug line says so.
    #[must_use]
    pub(super) fn watching_topics(self) -> Self {
        let more = self.get("debug").map(|debug| format!("{debug},topic"));
        self.set("debug", more.unwrap_or_else(|| "topic".to_owned()))
    }

    /// The value of a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in &self.0 {
            config.set(name, value);
        }
        config.set_log_level(match self.0.contains_key("debug") {
            true => RDKafkaLogLevel::Debug,
            false => RDKafkaLogLevel::Info,
        });
        config
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What went wrong with a cluster, and what to make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The cluster it happened on.
    pub cluster: Alias,
    /// What to make of it.
    pub kind: ErrorKind,
    /// What could not be done, and Kafka's own words.
    pub reason: String,
}

/// What to make of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The cluster did not answer; it may later.
    Unreachable,
    /// It answered, and said no: wrong password, missing permission, illegal request.
    Refused,
    /// Another client has taken this one's place.
    Fenced,
    /// The group has moved on to a new generation: the next lease makes it good.
    Stale,
    /// Anything else.
    Other,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cluster `{}`: {}", self.cluster, self.reason)
    }
}

impl std::error::Error for Error {}

/// Callbacks of one client: keeps the last error, because a time-out alone does not say why.
#[derive(Clone, Debug)]
pub(super) struct Context {
    alias: Alias,
    role: &'static str,
    last_error: Arc<Mutex<Option<(KafkaError, String)>>>,
    lifeline: Arc<Lifeline>,
    recreated: Arc<Mutex<BTreeSet<String>>>,
}

impl Context {
    pub(super) fn new(alias: &Alias, role: &'static str) -> Self {
        Self {
            alias: alias.clone(),
            role,
            last_error: Arc::default(),
            lifeline: Arc::default(),
            recreated: Arc::default(),
        }
    }

    /// An error of this client while `doing` something.
    pub(super) fn failed(&self, doing: &str, error: &KafkaError) -> Error {
        let code = code_of(error);
        let mut kind = code.map_or(ErrorKind::Other, kind_of);
        let mut why = describe(error);
        if kind == ErrorKind::Unreachable
            && let Some((last, words)) = &*self
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        {
            // A time-out alone does not say why: the client's last error does.
            why.clone_from(words);
            if last.rdkafka_error_code().map(kind_of) == Some(ErrorKind::Refused) {
                kind = ErrorKind::Refused;
            }
        }
        let reason = format!("cannot {doing}: {why}");
        Error {
            cluster: self.alias.clone(),
            kind,
            reason,
        }
    }

    /// An error in plain words.
    pub(super) fn plain(&self, kind: ErrorKind, reason: impl Into<String>) -> Error {
        Error {
            cluster: self.alias.clone(),
            kind,
            reason: reason.into(),
        }
    }

    /// The client of this context has received something.
    pub(super) fn heard(&self) {
        self.lifeline.heard();
    }

    /// Gives the client of this context its brokers again, where it has lost them all. For whoever polls
    /// it, again and again.
    pub(super) fn tend(&self, client: *mut RDKafka) {
        self.lifeline.tend(client);
    }

    /// Topics that the client has seen under another id than before, since the last time.
    pub(super) fn take_recreated(&self) -> BTreeSet<String> {
        std::mem::take(
            &mut *self
                .recreated
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Forgets the last error: the cluster has answered since.
    pub(super) fn answered(&self) {
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        if let Some(topic) = recreated_topic(text) {
            tracing::debug!(cluster = %self.alias, client = self.role, "{text}");
            self.recreated
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(topic.to_owned());
            return;
        }
        // librdkafka repeats as a warning what its error callback and our states tell already.
        match level {
            RDKafkaLogLevel::Debug => {
                tracing::trace!(cluster = %self.alias, client = self.role, facility, "{text}")
            }
            _ => tracing::debug!(cluster = %self.alias, client = self.role, facility, "{text}"),
        }
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(cluster = %self.alias, client = self.role, "{error}: {reason}");
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) =
            Some((error, without_noise(reason).to_owned()));
    }
}

impl ConsumerContext for Context {}

/// Kafka's own words for an error.
pub(super) fn describe(error: &KafkaError) -> String {
    match error {
        KafkaError::Transaction(e) => e.string(),
        KafkaError::ClientConfig(_, why, name, _) => format!("property `{name}`: {why}"),
        KafkaError::ClientCreation(why) => why.clone(),
        other => code_of(other).map_or_else(|| other.to_string(), words),
    }
}

pub(super) fn code_of(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    }
}

/// A code in words: `Topic authorization failed` for what librdkafka shows as
/// `TopicAuthorizationFailed (Broker: Topic authorization failed)`.
pub(super) fn words(code: RDKafkaErrorCode) -> String {
    let shown = code.to_string();
    let inner = shown
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(&shown);
    inner
        .trim_start_matches("Broker: ")
        .trim_start_matches("Local: ")
        .to_owned()
}

/// The topic of `Topic orders changed id from A to B`: what librdkafka says before it reads or writes the
/// new one. From no id at all there is no change.
fn recreated_topic(text: &str) -> Option<&str> {
    let (head, ids) = text.split_once(" changed id from ")?;
    let (_, topic) = head.rsplit_once("Topic ")?;
    let (from, _) = ids.split_once(" to ")?;
    (!from.trim_matches(['A', '=']).is_empty()).then_some(topic)
}

/// A reason without the thread it came from, and without how often it came.
fn without_noise(reason: &str) -> &str {
    let reason = match reason.split_once("]: ") {
        Some((head, rest)) if head.starts_with("[thrd:") => rest,
        _ => reason,
    };
    reason
        .split_once(" (after ")
        .map_or(reason, |(said, _)| said)
}

pub(super) fn kind_of(code: RDKafkaErrorCode) -> ErrorKind {
    use RDKafkaErrorCode as Code;
    match code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::OperationTimedOut
        | Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::NetworkException
        | Code::WaitingForCoordinator
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::NotEnoughReplicas
        | Code::BrokerNotAvailable => ErrorKind::Unreachable,
        Code::SSL
        | Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SecurityDisabled
        | Code::PolicyViolation
        | Code::InvalidTopic => ErrorKind::Refused,
        Code::Fenced
        | Code::FencedInstanceId
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch => ErrorKind::Fenced,
        Code::IllegalGeneration | Code::UnknownMemberId | Code::RebalanceInProgress => {
            ErrorKind::Stale
        }
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_was_created_again_is_told_by_its_id() {
        let said =
            |from| format!("[thrd:main]: Topic orders changed id from {from} to Zm9vYmFyYmF6");
        assert_eq!(recreated_topic(&said("cXV4cXV4cXV4")), Some("orders"));
        assert_eq!(recreated_topic(&said("AAAAAAAAAAAAAAAAAAAAAA")), None);
        assert_eq!(recreated_topic("Topic orders [0] Leader 1 Epoch 0"), None);
    }
}
