use super::Role::{self, Common, Consumer, Producer};
use super::{Translation, is_secret, secret_in, translate};

/// What a property becomes, in one line.
fn said(role: Role, key: &str, value: &str) -> String {
    match translate(role, key, value) {
        Translation::Property { name, value } => format!("{name}={value}"),
        Translation::Properties(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
            pairs.join(" ")
        }
        Translation::Unused { instead } => format!("unused: {instead}"),
        Translation::Unknown { suggestion } => {
            format!("unknown: {}", suggestion.unwrap_or_default())
        }
        Translation::Bad { why } => format!("bad: {why}"),
    }
}

/// Lines `role: key=value -> how what is said begins`.
fn check(lines: &str) {
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let (asked, expect) = line.split_once(" -> ").unwrap();
        let (role, property) = asked.trim().split_once(": ").unwrap();
        let (key, value) = property.split_once('=').unwrap();
        let role = match role {
            "consumer" => Consumer,
            "producer" => Producer,
            _ => Common,
        };
        let said = said(role, key, value);
        assert!(said.starts_with(expect), "{line}\nsaid: {said}");
    }
}

#[test]
fn java_names_and_values_become_those_of_librdkafka() {
    check(
        r#"
        producer: acks=all -> acks=all
        producer: acks=-1 -> acks=all
        producer: request.required.acks=1 -> acks=1
        producer: retries=Integer.MAX_VALUE -> retries=2147483647
        producer: retries=3 -> retries=3
        producer: batch.size=16384 -> batch.size=16384
        producer: batch.size=0 -> batch.size=1
        producer: linger.ms=0.5 -> linger.ms=0.5
        producer: queue.buffering.max.ms=5 -> linger.ms=5
        producer: buffer.memory=33554432 -> queue.buffering.max.kbytes=32768
        producer: buffer.memory=1 -> queue.buffering.max.kbytes=1
        producer: max.request.size=1048576 -> message.max.bytes=1048576
        producer: compression.type=LZ4 -> compression.type=lz4
        producer: request.timeout.ms=30000 -> request.timeout.ms=30000
        producer: delivery.timeout.ms=2147483647 -> delivery.timeout.ms=2147483647
        consumer: request.timeout.ms=30000 -> socket.timeout.ms=30000
        consumer: fetch.max.wait.ms=500 -> fetch.wait.max.ms=500
        consumer: fetch.min.bytes=0 -> fetch.min.bytes=1
        consumer: max.partition.fetch.bytes=1048576 -> max.partition.fetch.bytes=1048576
        consumer: fetch.max.bytes=2147483647 -> fetch.max.bytes=2147483135
        consumer: receive.buffer.bytes=-1 -> socket.receive.buffer.bytes=0
        consumer: isolation.level=read_uncommitted -> isolation.level=read_uncommitted
        common: security.protocol=SASL_SSL -> security.protocol=sasl_ssl
        common: sasl.mechanism=SCRAM-SHA-512 -> sasl.mechanism=SCRAM-SHA-512
        common: ssl.truststore.location=/etc/ca.pem -> ssl.ca.location=/etc/ca.pem
        common: ssl.keystore.location=c.p12 -> ssl.keystore.location=c.p12
        common: ssl.keystore.location=c.pem -> ssl.certificate.location=c.pem ssl.key.location=c.pem
        common: ssl.endpoint.identification.algorithm= -> ssl.endpoint.identification.algorithm=none
        common: metadata.max.age.ms=60000 -> topic.metadata.refresh.interval.ms=60000 metadata.max.age.ms=180000
        common: sasl.jaas.config=a.b.PlainLoginModule required username="user" password="p\"a;ss"; -> sasl.username=user sasl.password=p"a;ss
        common: sasl.jaas.config=ScramLoginModule required username=u password=p; -> sasl.username=u sasl.password=p
        common: sasl.login.callback.handler.class=o.OAuthBearerLoginCallbackHandler -> sasl.oauthbearer.method=oidc
        "#,
    );
}

#[test]
fn what_cannot_be_carried_says_what_happens_instead() {
    check(
        r"
        consumer: max.poll.records=500 -> unused: `max_in_flight`
        consumer: enable.auto.commit=true -> unused: the position is committed
        consumer: group.id=mirror -> unused: the group is `crossdock.
        consumer: auto.offset.reset=earliest -> unused: `start` of the edge
        consumer: key.deserializer=x -> unused: records are copied byte for byte
        consumer: acks=all -> unused: it is a producer's
        producer: fetch.min.bytes=1 -> unused: it is a consumer's
        producer: bootstrap.servers=x:9092 -> unused: the addresses are those
        producer: partitioner.class=x -> unused: every record keeps
        common: ssl.keystore.location=client.jks -> unused: the key is read as PKCS#12
        common: ssl.truststore.location=ca.jks -> unused: trusted certificates are read
        common: metrics.num.samples=2 -> unused: metrics are served
        ",
    );
}

#[test]
fn what_nobody_knows_and_what_cannot_be_says_why() {
    check(
        r"
        common: fetch.max.byte=1 -> unknown: did you mean `fetch.max.bytes`?
        producer: ack=all -> unknown: did you mean `acks`?
        common: num.streams=3 -> unknown: `streams` of the edge
        common: whatever.it.is=3 -> unknown: 
        producer: acks=2 -> bad: it is `all`, `1` or `0`
        producer: enable.idempotence=yes -> bad: it is `true` or `false`
        producer: linger.ms=soon -> bad: it is a number
        producer: retries=3.5 -> bad: it is a whole number
        consumer: session.timeout.ms=0 -> bad: it is from 1 to 3600000
        common: security.protocol=TLS -> bad: it is one of `plaintext`
        common: sasl.mechanism=GSSAPI -> bad: Kerberos is not built in
        common: sasl.jaas.config=nonsense -> bad: it is read as
        common: error_cb=x -> bad: it can only be set by a program
        ",
    );
}

#[test]
fn every_property_that_mirror_maker_is_run_with_is_known() {
    let consumer = "bootstrap.servers group.id auto.offset.reset enable.auto.commit \
        auto.commit.interval.ms session.timeout.ms heartbeat.interval.ms fetch.min.bytes \
        fetch.max.wait.ms max.partition.fetch.bytes max.poll.records max.poll.interval.ms \
        receive.buffer.bytes security.protocol sasl.mechanism sasl.jaas.config";
    let producer = "bootstrap.servers acks retries enable.idempotence batch.size linger.ms \
        max.in.flight.requests.per.connection buffer.memory compression.type request.timeout.ms \
        delivery.timeout.ms security.protocol sasl.mechanism sasl.jaas.config";
    for (role, keys) in [(Consumer, consumer), (Producer, producer)] {
        for key in keys.split_whitespace() {
            let said = said(role, key, "1");
            assert!(!said.starts_with("unknown"), "{key}: {said}");
        }
    }
}

#[test]
fn every_setting_of_a_profile_is_one_that_librdkafka_takes() {
    use crate::edge::Profile::{Durable, Latency, Throughput};
    for profile in [Durable, Throughput, Latency] {
        for setting in super::profile(profile) {
            let expect = format!("{}={}", setting.name, setting.value);
            assert_eq!(said(setting.role, setting.name, setting.value), expect);
        }
    }
}

#[test]
fn secrets_are_known_by_name() {
    for key in [
        "sasl.password",
        "ssl.key.password",
        "sasl.jaas.config",
        "ssl.key.pem",
    ] {
        assert!(is_secret(key), "{key}");
    }
    for key in ["sasl.username", "bootstrap.servers", "ssl.key.location"] {
        assert!(!is_secret(key), "{key}");
    }
    let jaas = r#"X required username="u" password="p w";"#;
    assert_eq!(secret_in("sasl.jaas.config", jaas), Some("p w"));
}

mod merged {
    use super::super::{Effective, effective};
    use super::Role::{Consumer, Producer};

    /// The settings of `bj-to-sh` with these lines in the edge, as `name=value`.
    fn settings(role: super::Role, edge: &str) -> Vec<String> {
        let text = format!(
            "topology: t\nclusters:\n  bj: {{ bootstrap.servers: bj:9092 }}\n  sh: {{ \
             bootstrap.servers: sh:9092, sasl.password: hidden }}\nedges:\n  - {{ from: bj, to: \
             sh, topics: a, {edge} }}\n"
        );
        let draft = crate::file::read(&text, None).0.unwrap();
        let at = usize::from(role == Producer);
        let settings = effective(role, &draft.clusters[at], Some(&draft.edges[0]));
        let line = |s: &Effective| format!("{}={}", s.name, s.shown());
        settings.iter().map(line).collect()
    }

    #[test]
    fn the_edge_wins_over_the_cluster_and_the_cluster_over_the_profile() {
        let consumer = settings(
            Consumer,
            "profile: latency, consumer: { fetch.max.wait.ms: 7 }",
        );
        assert!(consumer.contains(&"fetch.wait.max.ms=7".to_owned()));
        assert!(consumer.contains(&"bootstrap.servers=bj:9092".to_owned()));
        assert!(consumer.contains(&"fetch.queue.backoff.ms=2".to_owned()));
    }

    #[test]
    fn a_promise_wins_over_a_setting_that_clients_refuse_with_it() {
        let producer = settings(
            Producer,
            "producer: { acks: 1, delivery.timeout.ms: 120000 }",
        );
        assert!(producer.contains(&"acks=all".to_owned()));
        assert!(producer.contains(&"delivery.timeout.ms=20000".to_owned()));
        let weaker = settings(Producer, "delivery: at_least_once, producer: { acks: 1 }");
        assert!(weaker.contains(&"acks=1".to_owned()));
        assert!(weaker.contains(&"enable.idempotence=false".to_owned()));
    }

    #[test]
    fn secrets_are_not_shown() {
        let producer = settings(Producer, "streams: 1");
        assert!(producer.contains(&"sasl.password=********".to_owned()));
    }
}
