//! What Java clients (Apache Kafka 4.x and its forerunners) can be told, where librdkafka is told
//! otherwise. Properties of one name and one meaning stand in [`super::librdkafka`] only.

use super::Role::{self, Common, Consumer, Producer};
use super::{Translation, checked, jaas, number, tls};

/// A property of Java clients.
#[derive(Clone, Copy)]
pub(super) struct Known {
    name: &'static str,
    /// Whose it is.
    pub(super) role: Role,
    rule: Rule,
}

/// How it is carried over.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Another name, the same meaning.
    As(&'static str),
    /// Bytes there, KiB here, rounded up.
    Kib(&'static str),
    /// What happens instead.
    Unused(&'static str),
    /// By its value.
    With(fn(&str) -> Translation),
    /// By the client that is asked for, and the value.
    For(fn(Role, &str) -> Translation),
}

/// The property of a name.
pub(super) fn find(name: &str) -> Option<Known> {
    if let Some(known) = PROPERTIES.iter().find(|known| known.name == name) {
        return Some(*known);
    }
    // Options of Java plug-ins have names of their own.
    let (_, rule) = FAMILIES.iter().find(|(f, _)| name.starts_with(f))?;
    Some(Known {
        name: "",
        role: Common,
        rule: *rule,
    })
}

/// Beginnings of names that go on as a plug-in likes.
pub(super) const FAMILIES: [(&str, Rule); 3] = [
    ("metrics.", METRICS),
    ("config.providers.", VARIABLES),
    ("sasl.login.", LOGIN),
];

/// Every name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PROPERTIES.iter().map(|known| known.name)
}

impl Known {
    /// What a value becomes.
    pub(super) fn translate(&self, role: Role, value: &str) -> Translation {
        match self.rule {
            Rule::As(name) => clamped(name, value),
            Rule::Kib(name) => match number(value) {
                Some(bytes) if bytes > 0 => {
                    let kib = bytes.saturating_add(1_023) / 1_024;
                    checked(name, &kib.min(i64::from(i32::MAX)).to_string())
                }
                _ => Translation::Bad {
                    why: "it is a number of bytes above 0".to_owned(),
                },
            },
            Rule::Unused(instead) => Translation::Unused {
                instead: instead.to_owned(),
            },
            Rule::With(make) => make(value),
            Rule::For(make) => make(role, value),
        }
    }
}

/// Java's greatest numbers mean "as much as possible", whatever is possible here.
fn clamped(name: &str, value: &str) -> Translation {
    use super::librdkafka::{Kind, find};
    match (find(name), number(value)) {
        (Some((_, Kind::Number(_, most))), Some(number))
            if number > most && (number == i64::MAX || number == i64::from(i32::MAX)) =>
        {
            checked(name, &most.to_string())
        }
        _ => checked(name, value),
    }
}

/// Java's smallest number means the least that is possible here.
fn at_least_one(name: &'static str, value: &str) -> Translation {
    clamped(name, if value == "0" { "1" } else { value })
}

fn acks(value: &str) -> Translation {
    let value = match value {
        "all" | "-1" => "all",
        "0" | "1" => value,
        _ => {
            return Translation::Bad {
                why: "it is `all`, `1` or `0`".to_owned(),
            };
        }
    };
    Translation::Property {
        name: "acks".to_owned(),
        value: value.to_owned(),
    }
}

fn mechanism(value: &str) -> Translation {
    let upper = value.to_ascii_uppercase();
    match upper.as_str() {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER" => Translation::Property {
            name: "sasl.mechanism".to_owned(),
            value: upper,
        },
        "GSSAPI" => Translation::Bad {
            why: "Kerberos is not built in: use SCRAM, PLAIN, OAUTHBEARER or TLS certificates"
                .to_owned(),
        },
        _ => Translation::Bad {
            why: "it is one of `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER`".to_owned(),
        },
    }
}

fn login_callback(class: &str) -> Translation {
    if class.ends_with("OAuthBearerLoginCallbackHandler") {
        return checked("sasl.oauthbearer.method", "oidc");
    }
    no_login()
}

/// How often metadata is asked for; librdkafka's own `metadata.max.age.ms` is when it is forgotten.
fn metadata_max_age(value: &str) -> Translation {
    let Some(ms) = number(value).filter(|ms| *ms > 0) else {
        return Translation::Bad {
            why: "it is a number of milliseconds above 0".to_owned(),
        };
    };
    let pair = |name: &str, ms: i64| (name.to_owned(), ms.to_string());
    Translation::Properties(vec![
        pair("topic.metadata.refresh.interval.ms", ms.min(3_600_000)),
        pair("metadata.max.age.ms", ms.saturating_mul(3).min(86_400_000)),
    ])
}

/// A producer's covers the broker's acknowledgement, every other client's the round trip.
fn request_timeout(role: Role, value: &str) -> Translation {
    if role == Producer {
        return clamped("request.timeout.ms", value);
    }
    match number(value) {
        Some(ms) => checked("socket.timeout.ms", &ms.min(300_000).to_string()),
        None => checked("socket.timeout.ms", value),
    }
}

/// -1 is the system's default there, 0 here.
fn buffer(name: &'static str, value: &str) -> Translation {
    clamped(name, if value == "-1" { "0" } else { value })
}

fn no_login() -> Translation {
    Translation::Unused {
        instead: "credentials are given by `sasl.username` and `sasl.password`, or by \
                  `sasl.oauthbearer.*` with `sasl.oauthbearer.method: oidc`"
            .to_owned(),
    }
}

const BYTES: Rule = Rule::Unused("records are copied byte for byte");
const PARTITION: Rule = Rule::Unused("every record keeps its partition number");
const METRICS: Rule = Rule::Unused("metrics are served at `/metrics` of `run`");
const VARIABLES: Rule =
    Rule::Unused("variables are written `${NAME}` or `${file:PATH}` anywhere in the file");
const LOGIN: Rule = Rule::With(|_| no_login());
const PLUGIN: Rule = Rule::Unused("no Java code is loaded");
const OPENSSL: Rule = Rule::Unused("OpenSSL settles it: TLS 1.2 or 1.3");
const KERBEROS: Rule = Rule::With(|_| Translation::Unused {
    instead: "Kerberos is not built in: use SCRAM, PLAIN, OAUTHBEARER or TLS certificates"
        .to_owned(),
});
const BROKER_SIDE: Rule = Rule::Unused("brokers check tokens, clients do not");
const GONE: Rule = Rule::Unused("clients of today have no such setting");

const fn known(name: &'static str, role: Role, rule: Rule) -> Known {
    Known { name, role, rule }
}

#[rustfmt::skip]
const PROPERTIES: &[Known] = &[
    // Reading.
    known("fetch.max.wait.ms", Consumer, Rule::As("fetch.wait.max.ms")),
    known("fetch.min.bytes", Consumer, Rule::With(|v| at_least_one("fetch.min.bytes", v))),
    known("fetch.max.bytes", Consumer, Rule::As("fetch.max.bytes")),
    known("max.partition.fetch.bytes", Consumer, Rule::As("max.partition.fetch.bytes")),
    known("max.poll.records", Consumer, Rule::Unused("`max_in_flight` of the edge bounds what is read at once")),
    known("max.poll.interval.ms", Consumer, Rule::As("max.poll.interval.ms")),
    known("key.deserializer", Consumer, BYTES),
    known("value.deserializer", Consumer, BYTES),
    known("exclude.internal.topics", Consumer, Rule::Unused("internal topics are never taken")),
    known("internal.leave.group.on.close", Consumer, Rule::Unused("a member that stops leaves its group at once")),
    known("internal.throw.on.fetch.stable.offset.unsupported", Consumer, GONE),
    known("share.acknowledgement.mode", Consumer, Rule::Unused("no share group is used")),
    known("share.acquire.mode", Consumer, Rule::Unused("no share group is used")),
    known("consumer.timeout.ms", Consumer, GONE),
    known("consumer.id", Consumer, GONE),
    known("rebalance.max.retries", Consumer, GONE),
    known("rebalance.backoff.ms", Consumer, GONE),
    known("offsets.storage", Consumer, GONE),
    known("dual.commit.enabled", Consumer, GONE),
    known("fetch.wait.max.ms", Consumer, Rule::As("fetch.wait.max.ms")),
    // Writing.
    known("acks", Producer, Rule::With(acks)),
    known("request.required.acks", Producer, Rule::With(acks)),
    known("retries", Producer, Rule::As("retries")),
    known("batch.size", Producer, Rule::With(|v| at_least_one("batch.size", v))),
    known("buffer.memory", Producer, Rule::Kib("queue.buffering.max.kbytes")),
    known("max.request.size", Producer, Rule::As("message.max.bytes")),
    known("delivery.timeout.ms", Producer, Rule::As("delivery.timeout.ms")),
    known("transaction.timeout.ms", Producer, Rule::As("transaction.timeout.ms")),
    known("max.block.ms", Producer, Rule::Unused("a full queue makes reading wait")),
    known("block.on.buffer.full", Producer, Rule::Unused("a full queue makes reading wait")),
    known("metadata.max.idle.ms", Producer, Rule::Unused("topics are watched as long as their edge runs")),
    known("compression.gzip.level", Producer, Rule::As("compression.level")),
    known("compression.lz4.level", Producer, Rule::As("compression.level")),
    known("compression.zstd.level", Producer, Rule::As("compression.level")),
    known("key.serializer", Producer, BYTES),
    known("value.serializer", Producer, BYTES),
    known("serializer.class", Producer, BYTES),
    known("key.serializer.class", Producer, BYTES),
    known("partitioner.class", Producer, PARTITION),
    known("partitioner.ignore.keys", Producer, PARTITION),
    known("partitioner.adaptive.partitioning.enable", Producer, PARTITION),
    known("partitioner.availability.timeout.ms", Producer, PARTITION),
    known("transaction.two.phase.commit.enable", Producer, Rule::Unused("a transaction spans the target cluster only")),
    known("timeout.ms", Producer, Rule::As("request.timeout.ms")),
    // Every client.
    known("request.timeout.ms", Common, Rule::For(request_timeout)),
    known("default.api.timeout.ms", Common, Rule::Unused("every call has a limit of its own")),
    known("metadata.max.age.ms", Common, Rule::With(metadata_max_age)),
    known("metadata.fetch.timeout.ms", Common, GONE),
    known("receive.buffer.bytes", Common, Rule::With(|v| buffer("socket.receive.buffer.bytes", v))),
    known("send.buffer.bytes", Common, Rule::With(|v| buffer("socket.send.buffer.bytes", v))),
    known("connections.max.idle.ms", Common, Rule::With(|v| buffer("connections.max.idle.ms", v))),
    known("retry.backoff.ms", Common, Rule::With(|v| at_least_one("retry.backoff.ms", v))),
    known("retry.backoff.max.ms", Common, Rule::With(|v| at_least_one("retry.backoff.max.ms", v))),
    known("socket.connection.setup.timeout.max.ms", Common, Rule::Unused("`socket.connection.setup.timeout.ms` is the only limit")),
    known("bootstrap.controllers", Common, Rule::Unused("brokers are asked, not controllers")),
    known("interceptor.classes", Common, PLUGIN),
    known("metric.reporters", Common, METRICS),
    known("auto.include.jmx.reporter", Common, METRICS),
    known("config.providers", Common, VARIABLES),
    known("enable.metrics.push", Common, Rule::As("enable.metrics.push")),
    // Security.
    known("security.providers", Common, PLUGIN),
    known("sasl.mechanism", Common, Rule::With(mechanism)),
    known("sasl.mechanisms", Common, Rule::With(mechanism)),
    known("sasl.jaas.config", Common, Rule::With(jaas::translate)),
    known("sasl.client.callback.handler.class", Common, LOGIN),
    known("sasl.login.callback.handler.class", Common, Rule::With(login_callback)),
    known("sasl.login.class", Common, LOGIN),
    known("sasl.kerberos.service.name", Common, KERBEROS),
    known("sasl.kerberos.kinit.cmd", Common, KERBEROS),
    known("sasl.kerberos.principal", Common, KERBEROS),
    known("sasl.kerberos.keytab", Common, KERBEROS),
    known("sasl.kerberos.min.time.before.relogin", Common, KERBEROS),
    known("sasl.kerberos.ticket.renew.jitter", Common, KERBEROS),
    known("sasl.kerberos.ticket.renew.window.factor", Common, KERBEROS),
    known("sasl.oauthbearer.assertion.template.file", Common, Rule::As("sasl.oauthbearer.assertion.jwt.template.file")),
    known("sasl.oauthbearer.jwt.retriever.class", Common, PLUGIN),
    known("sasl.oauthbearer.jwt.validator.class", Common, PLUGIN),
    known("sasl.oauthbearer.header.urlencode", Common, BROKER_SIDE),
    known("sasl.oauthbearer.scope.claim.name", Common, BROKER_SIDE),
    known("sasl.oauthbearer.sub.claim.name", Common, BROKER_SIDE),
    known("sasl.oauthbearer.clock.skew.seconds", Common, BROKER_SIDE),
    known("sasl.oauthbearer.expected.audience", Common, BROKER_SIDE),
    known("sasl.oauthbearer.expected.issuer", Common, BROKER_SIDE),
    known("sasl.oauthbearer.jwks.endpoint.url", Common, BROKER_SIDE),
    known("sasl.oauthbearer.jwks.endpoint.refresh.ms", Common, BROKER_SIDE),
    known("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Common, BROKER_SIDE),
    known("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Common, BROKER_SIDE),
    known("ssl.truststore.location", Common, Rule::With(tls::truststore_location)),
    known("ssl.truststore.type", Common, Rule::With(tls::truststore_type)),
    known("ssl.truststore.password", Common, Rule::Unused("certificates read as PEM from `ssl.ca.location` need none")),
    known("ssl.truststore.certificates", Common, Rule::As("ssl.ca.pem")),
    known("ssl.keystore.location", Common, Rule::With(tls::keystore_location)),
    known("ssl.keystore.type", Common, Rule::With(tls::keystore_type)),
    known("ssl.keystore.key", Common, Rule::As("ssl.key.pem")),
    known("ssl.keystore.certificate.chain", Common, Rule::As("ssl.certificate.pem")),
    known("ssl.cipher.suites", Common, Rule::With(tls::cipher_suites)),
    known("ssl.endpoint.identification.algorithm", Common, Rule::With(tls::endpoint_identification)),
    known("ssl.protocol", Common, OPENSSL),
    known("ssl.enabled.protocols", Common, OPENSSL),
    known("ssl.provider", Common, OPENSSL),
    known("ssl.keymanager.algorithm", Common, OPENSSL),
    known("ssl.trustmanager.algorithm", Common, OPENSSL),
    known("ssl.secure.random.implementation", Common, OPENSSL),
    known("ssl.engine.factory.class", Common, PLUGIN),
];
