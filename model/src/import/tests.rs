use super::{Fate, Imported, Source, Unusable, mm1, mm2, strimzi};
use crate::finding::Severity;
use crate::{file, graph};

const CONSUMER: &str = r#"
# the source
bootstrap.servers=source1:9092, source2:9092
group.id=Mirror_Group
auto.offset.reset=latest
enable.auto.commit=true
fetch.min.bytes=1024
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
    username="user" password="geheim";
"#;

const PRODUCER: &str = "bootstrap.servers=target1:9092\nacks=1\nlinger.ms=5\nmy.own=x\n";

const UNIT: &str = r#"
[Service]
ExecStart=/opt/kafka/bin/kafka-mirror-maker.sh --consumer.config /etc/a.properties \
  --producer.config=/etc/b.properties --whitelist "orders.*,users" --num.streams 3 \
  --message.handler com.example.Rename > mirror.log 2>&1 &
"#;

const MM2: &str = r"
clusters = us-west, us-east, us.central
us-west.bootstrap.servers = west1:9092, west2:9092
us-east.bootstrap.servers = east:9092
us.central.bootstrap.servers = central:9092
us-west.consumer.fetch.min.bytes = 10240
us-west.ssl.truststore.password = changeit
us-west->us-east.enabled = true
us-west->us-east.topics = orders.*, pay.*
us-east->us-west.enabled = true
us-west->us.east.topics = foo
us-west->us.central.enabled = true
us-west->us.central.replication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy
us-west->us.central.sync.group.offsets.enabled = false
tasks.max = 4
replication.policy.separator = _
sync.group.offsets.enabled = true
offset.lag.max = 5
transforms = route
";

const STRIMZI: &str = "
apiVersion: kafka.strimzi.io/v1
kind: KafkaMirrorMaker2
metadata: { name: mirror }
spec:
  replicas: 3
  target:
    alias: b
    bootstrapServers: b:9092
  mirrors:
    - source:
        alias: a
        bootstrapServers: a:9093
        tls: { trustedCertificates: [{ secretName: a-ca, certificate: ca.crt }] }
        authentication:
          type: scram-sha-512
          username: mirror
          passwordSecret: { secretName: s, password: p }
      topicsPattern: orders.*
      sourceConnector:
        tasksMax: 2
        config: { offset-syncs.topic.replication.factor: 1 }
";

fn source<'a>(name: &'a str, text: &'a str) -> Source<'a> {
    Source { name, text }
}

fn fate_of<'i>(imported: &'i Imported, key: &str) -> (Fate, &'i str, usize) {
    let found = imported.remarks.iter().find(|r| r.key == key);
    let remark = found.unwrap_or_else(|| panic!("nothing is said of {key}: {imported:#?}"));
    (remark.fate, remark.why.as_str(), remark.line)
}

/// What was imported is a topology without errors.
fn assert_sound(imported: &Imported) {
    let (draft, mut findings) = file::read(&imported.topology, None);
    let draft = draft.expect("it is YAML");
    findings.extend(graph::check(&draft).findings);
    let errors: Vec<_> = findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{}", imported.topology);
}

#[track_caller]
fn assert_has(imported: &Imported, lines: &[&str]) {
    for line in lines {
        let found = imported.topology.lines().any(|l| l.trim() == *line);
        assert!(found, "`{line}` is not in\n{}", imported.topology);
    }
}

#[test]
fn mirror_maker_1_with_its_unit_file() {
    let files = [
        source("a.properties", CONSUMER),
        source("b.properties", PRODUCER),
        source("mirror.service", UNIT),
    ];
    let imported = mm1(&files, &[]).expect("it can be imported");
    assert_sound(&imported);
    assert_has(
        &imported,
        &[
            "topology: mirror-group",
            "bootstrap.servers: source1:9092,source2:9092",
            "sasl.username: user",
            "sasl.password: ${SOURCE_PASSWORD}",
            "topics: orders.*|users",
            "streams: 3",
            "start: latest",
            "fetch.min.bytes: 1024",
            "linger.ms: 5",
        ],
    );
    assert!(!imported.topology.contains("geheim") && !imported.topology.contains("acks"));
    for (key, fate, line) in [
        ("enable.auto.commit", Fate::Unneeded, 6),
        ("acks", Fate::Unneeded, 2),
        ("my.own", Fate::Lost, 4),
        ("--message.handler", Fate::Lost, 3),
        ("sasl.jaas.config", Fate::Changed, 9),
    ] {
        let said = fate_of(&imported, key);
        assert_eq!((said.0, said.2), (fate, line), "{key}: {}", said.1);
    }
}

#[test]
fn mirror_maker_1_without_a_command_takes_options_or_says_what_is_missing() {
    let files = [
        source("b.properties", PRODUCER),
        source("a.properties", CONSUMER),
    ];
    let open = mm1(&files, &[]).expect("told apart by what is in them");
    assert_has(&open, &["topics: .*"]);
    assert!(open.topology.contains("No --whitelist was given"));
    let words = ["--blacklist", "temp.*"].map(str::to_owned);
    let given = mm1(&files, &words).expect("it can be imported");
    assert_has(&given, &["topics: .*", "exclude_topics: temp.*"]);
    assert!(!given.topology.contains("No --whitelist"));
}

#[test]
fn mirror_maker_2_with_defaults_and_pairs() {
    let imported = mm2(&[source("conf/mm2.properties", MM2)]).expect("it can be imported");
    assert_sound(&imported);
    assert_has(
        &imported,
        &[
            "topology: mm2",
            "bootstrap.servers: west1:9092,west2:9092",
            "rename: '{source}_{topic}'",
            "rename: keep",
            "groups: none",
            "streams: 4",
            "- orders.*",
            "- pay.*",
            "include: .*",
        ],
    );
    let (fate, why, line) = fate_of(&imported, "us-west->us.east.topics");
    assert_eq!((fate, line), (Fate::Lost, 11));
    assert!(why.contains("did you mean `us-east`?"), "{why}");
    assert_eq!(fate_of(&imported, "offset.lag.max").0, Fate::Unneeded);
    assert_eq!(fate_of(&imported, "transforms").0, Fate::Lost);
    assert_eq!(
        fate_of(&imported, "us-west.ssl.truststore.password").0,
        Fate::Unneeded
    );
}

#[test]
fn strimzi_resources_become_the_same() {
    let imported = strimzi(&[source("kmm2.yaml", STRIMZI)]).expect("it can be imported");
    assert_sound(&imported);
    assert_has(
        &imported,
        &[
            "topology: mirror",
            "security.protocol: SASL_SSL",
            "sasl.mechanism: SCRAM-SHA-512",
            "sasl.password: ${A_PASSWORD}",
            "ssl.ca.location: /etc/crossdock/a-ca/ca.crt",
            "rename: prefix",
            "streams: 2",
            "topics: orders.*",
        ],
    );
    assert_eq!(fate_of(&imported, "spec.replicas").0, Fate::Unneeded);
}

#[test]
fn files_of_another_kind_are_refused_with_their_name() {
    let mine = source("producer.properties", PRODUCER);
    let refused: [Result<Imported, Unusable>; 3] =
        [mm2(&[mine]), strimzi(&[mine]), mm1(&[mine], &[])];
    for (refused, words) in
        refused
            .into_iter()
            .zip(["`clusters` is missing", "no YAML", "consumer"])
    {
        let said = refused.expect_err("it is refused").to_string();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn every_key_is_answered_for() {
    let imported = mm2(&[source("mm2.properties", MM2)]).expect("it can be imported");
    let keys = MM2.lines().filter(|l| l.contains(" = ")).count();
    assert_eq!(imported.carried + imported.remarks.len(), keys);
}
