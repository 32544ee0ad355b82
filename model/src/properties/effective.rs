//! The complete settings of one client: profile, then cluster, then edge, made to agree.

use std::collections::BTreeMap;

use super::{Role, Translation, is_secret, profile, translate, weak};
use crate::edge::{Delivery, Edge};
use crate::topology::Cluster;

/// One setting as librdkafka is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Effective {
    /// librdkafka's name.
    pub name: String,
    /// librdkafka's value; may be a secret.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The edge's profile, with the reason.
    Profile(&'static str),
    /// The cluster, by the property that was written there.
    Cluster(String),
    /// The edge's `consumer` or `producer`, by the property that was written there.
    Edge(String),
    /// Changed by crossdock so that the settings agree, with the reason.
    Adjusted(&'static str),
}

impl Effective {
    /// The value as it may be shown.
    pub fn shown(&self) -> &str {
        if is_secret(&self.name) {
            "********"
        } else {
            &self.value
        }
    }
}

impl std::fmt::Debug for Effective {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={} ({:?})", self.name, self.shown(), self.origin)
    }
}

/// The settings of the consumer or producer of an edge on its cluster, by name: what librdkafka
/// accepts together. What crossdock decides itself (groups, transactions) is not among them.
///
/// With [`Role::Common`]: those of an admin client, without profile and edge.
pub fn effective(role: Role, cluster: &Cluster, edge: Option<&Edge>) -> Vec<Effective> {
    let mut settings = Settings::default();
    if let Some(edge) = edge {
        for setting in profile(edge.profile).filter(|s| s.role == role) {
            settings.set(setting.name, setting.value, Origin::Profile(setting.why));
        }
    }
    for (key, value) in &cluster.properties {
        settings.take(role, key, value, Origin::Cluster(key.clone()));
    }
    let own = match (edge, role) {
        (Some(edge), Role::Consumer) => Some(&edge.consumer),
        (Some(edge), Role::Producer) => Some(&edge.producer),
        _ => None,
    };
    for (key, value) in own.into_iter().flatten() {
        settings.take(role, key, value, Origin::Edge(key.clone()));
    }
    match role {
        Role::Consumer => settings.agree_consumer(),
        Role::Producer => settings.agree_producer(edge),
        Role::Common => {}
    }
    settings.0.into_values().collect()
}

#[derive(Default)]
struct Settings(BTreeMap<String, Effective>);

impl Settings {
    fn set(&mut self, name: &str, value: &str, origin: Origin) {
        let setting = Effective {
            name: name.to_owned(),
            value: value.to_owned(),
            origin,
        };
        self.0.insert(name.to_owned(), setting);
    }

    /// Adds what a property becomes; one that belongs to another client becomes nothing.
    fn take(&mut self, role: Role, key: &str, value: &str, origin: Origin) {
        let is_address = matches!(key, "bootstrap.servers" | "metadata.broker.list");
        if is_address && matches!(origin, Origin::Cluster(_)) {
            self.set("bootstrap.servers", value, origin);
            return;
        }
        match translate(role, key, value) {
            Translation::Property { name, value } => self.set(&name, &value, origin),
            Translation::Properties(pairs) => {
                for (name, value) in pairs {
                    self.set(&name, &value, origin.clone());
                }
            }
            Translation::Unused { .. } | Translation::Unknown { .. } | Translation::Bad { .. } => {}
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|s| s.value.as_str())
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    fn adjust(&mut self, name: &str, value: impl ToString, why: &'static str) {
        self.set(name, &value.to_string(), Origin::Adjusted(why));
    }

    /// librdkafka refuses a consumer whose buffers do not hold one another.
    fn agree_consumer(&mut self) {
        let message = self.number("message.max.bytes").unwrap_or(1_000_000);
        if let Some(fetch) = self.number("fetch.max.bytes") {
            if fetch < message {
                self.adjust(
                    "fetch.max.bytes",
                    message,
                    "it must hold `message.max.bytes`",
                );
            }
            let fetch = fetch.max(message);
            if let Some(receive) = self.number("receive.message.max.bytes")
                && receive < fetch + 512
            {
                self.adjust(
                    "receive.message.max.bytes",
                    fetch + 512,
                    "it must hold `fetch.max.bytes`",
                );
            }
        }
        let session = self.number("session.timeout.ms").unwrap_or(0);
        if self
            .number("max.poll.interval.ms")
            .is_some_and(|poll| poll < session)
        {
            let why = "it must not be below `session.timeout.ms`";
            self.adjust("max.poll.interval.ms", session, why);
        }
        self.agree_reconnect();
    }

    /// librdkafka refuses a producer whose guarantees contradict each other.
    fn agree_producer(&mut self, edge: Option<&Edge>) {
        if let Some(edge) = edge {
            let promised = |s: &Effective| {
                weak::weakness(edge, Role::Producer, &s.name, &s.value).filter(|w| w.is_ignored)
            };
            let refused: Vec<_> = self.0.values().filter(|s| promised(s).is_some()).collect();
            let names: Vec<_> = refused.iter().map(|s| s.name.clone()).collect();
            for name in names {
                let value = match name.as_str() {
                    "acks" => "all",
                    "enable.idempotence" => "true",
                    "retries" => "1",
                    _ => "5",
                };
                self.adjust(&name, value, "`delivery: exactly_once` needs it");
            }
            match edge.delivery {
                Delivery::ExactlyOnce => self.agree_transaction(),
                Delivery::AtLeastOnce => self.drop_idempotence(),
            }
        }
        if self.text("enable.idempotence") == Some("true") {
            self.0.remove("queue.buffering.backpressure.threshold");
        } else {
            self.0.remove("enable.gapless.guarantee");
        }
        if let (Some(linger), Some(delivery)) =
            (self.number("linger.ms"), self.number("delivery.timeout.ms"))
            && delivery != 0
            && delivery <= linger
        {
            let linger = (delivery - 1).max(0);
            self.adjust(
                "linger.ms",
                linger,
                "it must end before `delivery.timeout.ms`",
            );
        }
        self.agree_reconnect();
    }

    /// No request and no record outlives its transaction.
    fn agree_transaction(&mut self) {
        let Some(transaction) = self.number("transaction.timeout.ms") else {
            return;
        };
        let why = "no record outlives its transaction (`transaction.timeout.ms`)";
        for name in ["delivery.timeout.ms", "socket.timeout.ms"] {
            let is_endless = name == "delivery.timeout.ms" && self.number(name) == Some(0);
            if is_endless || self.number(name).is_some_and(|ms| ms > transaction) {
                self.adjust(name, transaction, why);
            }
        }
    }

    /// Weaker settings that were asked for switch the idempotent producer off, since it refuses them.
    fn drop_idempotence(&mut self) {
        let is_weaker = self.text("acks").is_some_and(|acks| acks != "all")
            || self.text("retries") == Some("0")
            || self
                .number("max.in.flight.requests.per.connection")
                .is_some_and(|n| n > 5);
        if is_weaker {
            self.adjust(
                "enable.idempotence",
                "false",
                "`acks`, `retries` or `max.in.flight` do not allow it",
            );
        }
    }

    fn agree_reconnect(&mut self) {
        let first = self.number("reconnect.backoff.ms").unwrap_or(100);
        if self.number("reconnect.backoff.max.ms").unwrap_or(10_000) < first {
            let why = "it must not be below `reconnect.backoff.ms`";
            self.adjust("reconnect.backoff.max.ms", first, why);
        }
    }
}
