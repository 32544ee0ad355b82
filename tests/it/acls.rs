//! Clusters with an authorizer: what the principal may not do is told before, ACLs follow their topics.

use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;

use crossdock_testbed::pool::Lease;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::{admin, consumer, wait};
use serde_json::Value;

const TEXT: &str = r#"
topology: guarded
clusters:
  bj:
    bootstrap.servers: "${BJ_BOOTSTRAP}"
    security.protocol: SASL_PLAINTEXT
    sasl.mechanism: PLAIN
    sasl.username: dock
    sasl.password: ${DOCK_PASSWORD:-dock-secret}
  sh:
    bootstrap.servers: "${SH_BOOTSTRAP}"
    security.protocol: SASL_PLAINTEXT
    sasl.mechanism: PLAIN
    sasl.username: dock
    sasl.password: ${DOCK_PASSWORD:-dock-secret}
edges:
  - { from: bj, to: sh, topics: orders, rename: suffix, sync: { acls: true } }
"#;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// A broker that knows `dock`, who may do nothing yet; scenes come in by another door, as super user.
pub(crate) fn guarded() -> Lease {
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let users = format!("{module} required user_dock=\"dock-secret\";");
    Lease::own(&[
        (
            "listener.security.protocol.map",
            "DIRECT:PLAINTEXT,PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        ),
        ("sasl.enabled.mechanisms", "PLAIN"),
        ("listener.name.proxied.plain.sasl.jaas.config", &users),
        (
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        ),
        ("super.users", "User:ANONYMOUS"),
    ])
}

fn json(scene: &Scene) -> (Option<i32>, Value) {
    let output = scene.command("plan", &["--format", "json"]);
    let plan = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        plan.unwrap_or_else(|e| panic!("{e}: {}", said(&output))),
    )
}

/// `code: message` of every finding.
fn findings(plan: &Value) -> Vec<String> {
    let all = plan["findings"].as_array().into_iter().flatten();
    all.map(|f| {
        format!(
            "{}: {}",
            f["code"].as_str().unwrap_or("?"),
            f["message"].as_str().unwrap_or("?")
        )
    })
    .collect()
}

/// Two guarded clusters, and a topic to be copied, with what follows besides.
pub(crate) fn guarded_scene(name: &str, sync: &str) -> Scene {
    guarded_with(name, &format!("sync: {{ {sync} }}"))
}

/// The same, with these keys on the edge.
fn guarded_with(name: &str, keys: &str) -> Scene {
    let text = TEXT.replace("sync: { acls: true }", keys);
    let clusters = BTreeMap::from([("bj".to_owned(), guarded()), ("sh".to_owned(), guarded())]);
    let mut scene = Scene::with_clusters(env!("CARGO_BIN_EXE_crossdock"), name, clusters, &text);
    scene.proxy("bj");
    scene.proxy("sh");
    scene.topic_with("bj", "orders", 2, &[("segment.ms", "7000000")]);
    scene.route("bj-to-sh", "orders", "orders-bj");
    scene
}

/// Lets `dock` do something.
pub(crate) fn grant(scene: &mut Scene, alias: &str, arguments: &[&str]) {
    let principal = ["--add", "--allow-principal", "User:dock"];
    let bootstrap = scene.broker(alias).bootstrap();
    admin::acls(&bootstrap, &[&principal[..], arguments].concat());
}

fn assert_found(told: &[String], expected: &str) {
    assert!(
        told.iter().any(|f| f.starts_with(expected)),
        "{expected} is not in {told:?}"
    );
}

#[test]
fn missing_permissions_are_told_with_principal_operation_and_topic() {
    let mut scene = guarded_scene("guarded", "acls: true");
    // May see nothing: the topic that the file names is hidden, not missing.
    grant(&mut scene, "bj", &["--operation", "Describe", "--cluster"]);
    let cluster = [
        "--operation",
        "Describe",
        "--operation",
        "DescribeConfigs",
        "--cluster",
    ];
    grant(&mut scene, "sh", &cluster);
    let (code, plan) = json(&scene);
    let told = findings(&plan);
    assert_eq!(code, Some(1), "{told:?}");
    assert_found(
        &told,
        "missing-permission: User:dock may not DESCRIBE topic orders on `bj`",
    );

    // May see it, but neither read it nor make its copy.
    let topic = [
        "--operation",
        "Describe",
        "--operation",
        "DescribeConfigs",
        "--topic",
        "orders",
    ];
    grant(&mut scene, "bj", &topic);
    let (code, plan) = json(&scene);
    let told = findings(&plan);
    assert_eq!(code, Some(1), "{told:?}");
    assert_found(
        &told,
        "missing-permission: User:dock may not READ topic orders on `bj`",
    );
    assert_found(
        &told,
        "missing-permission: User:dock may not CREATE topic orders-bj on `sh`",
    );
    let refused = scene.command("apply", &["--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));

    assert_group_and_transactions_told(&scene, &told);
    grant_by_prefix(&mut scene);
    // May make it, and then neither write it nor commit offsets of it.
    let (code, plan) = json(&scene);
    let told = findings(&plan);
    assert_eq!(code, Some(1), "{told:?}");
    for operation in ["WRITE", "READ"] {
        let what = format!("User:dock may not {operation} topic orders-bj on `sh`");
        assert_found(&told, &format!("missing-permission: {what}"));
    }

    // What a plan lets pass, is done and runs.
    let prefixed = ["--resource-pattern-type", "prefixed"];
    for operation in ["Read", "Write", "DescribeConfigs", "AlterConfigs"] {
        let topic = ["--operation", operation, "--topic", "orders-"];
        grant(&mut scene, "sh", &[&prefixed[..], &topic].concat());
    }
    let (code, plan) = json(&scene);
    assert_eq!(code, Some(0), "{:?}", findings(&plan));
    let applied = scene.command("apply", &["--yes"]);
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    let (code, plan) = json(&scene);
    let errors = plan["summary"]["errors"].as_u64();
    assert_eq!((code, errors), (Some(0), Some(0)), "{:?}", findings(&plan));
    scene.produce("bj", "orders", 100);
    scene.run_once();
    scene.verdict().assert_exact();
}

/// Progress and transactions: what no topic tells. Whoever helps is told as well.
fn assert_group_and_transactions_told(scene: &Scene, told: &[String]) {
    let group = format!("crossdock.{}.bj-to-sh", scene.topology());
    for what in [
        "User:dock may not ALTER cluster `sh`".to_owned(),
        format!("User:dock may not READ group {group} on `sh`"),
        format!("User:dock may not WRITE transactional id {group} on `sh`"),
    ] {
        assert_found(told, &format!("missing-permission: {what}"));
    }
    let doctor = scene.command("doctor", &["--server", "127.0.0.1:1"]);
    let text = said(&doctor);
    assert_eq!(doctor.status.code(), Some(0), "{text}");
    for words in [
        "may not READ topic orders",
        "User:dock may DESCRIBE",
        "no running one",
    ] {
        assert!(text.contains(words), "`{words}` is not in {text}");
    }
}

/// Allowed by name alone, which the cluster is asked for.
fn grant_by_prefix(scene: &mut Scene) {
    grant(scene, "bj", &["--operation", "Read", "--topic", "orders"]);
    let prefixed = ["--resource-pattern-type", "prefixed"];
    let prefix = format!("crossdock.{}.", scene.topology());
    for by_name in [
        ["--operation", "Create", "--topic", "orders-"],
        ["--operation", "Read", "--group", &prefix],
        ["--operation", "Write", "--transactional-id", &prefix],
    ] {
        grant(scene, "sh", &[&prefixed[..], &by_name].concat());
    }
    // `sync.acls` lets what `dock` may do follow: who makes ACLs must be allowed to.
    grant(scene, "sh", &["--operation", "Alter", "--cluster"]);
}

#[test]
fn groups_that_may_not_follow_and_dead_letters_that_may_not_be_written_are_told() {
    let keys = "sync: { groups: billing }, on_oversize: dead_letter";
    let mut scene = guarded_with("guarded-more", keys);
    let bj = scene.broker("bj").bootstrap();
    consumer::commit(&bj, "billing", "orders", &[(0, 0)]);
    for alias in ["bj", "sh"] {
        let seen = ["--operation", "Describe", "--operation", "DescribeConfigs"];
        grant(&mut scene, alias, &[&seen[..], &["--cluster"]].concat());
    }
    for its in [["--topic", "orders"], ["--group", "billing"]] {
        grant(
            &mut scene,
            "bj",
            &[&["--operation", "All"], &its[..]].concat(),
        );
    }
    let its = ["--operation", "All", "--topic", "orders-bj"];
    grant(&mut scene, "sh", &its);
    let prefix = format!("crossdock.{}.", scene.topology());
    let prefixed = ["--resource-pattern-type", "prefixed", "--operation", "All"];
    for resource in ["--group", "--transactional-id"] {
        let its = [resource, prefix.as_str()];
        grant(&mut scene, "sh", &[&prefixed[..], &its].concat());
    }
    let letters = format!("crossdock.dead-letter.{}.bj-to-sh", scene.topology());
    let told = |scene: &Scene, wanted: &[&str]| {
        let (_, plan) = json(scene);
        let found = findings(&plan);
        let missing: Vec<&String> = found
            .iter()
            .filter(|f| f.starts_with("missing-permission"))
            .collect();
        assert_eq!(missing.len(), wanted.len(), "{missing:?}");
        for what in wanted {
            assert_found(
                &found,
                &format!("missing-permission: User:dock may not {what}"),
            );
        }
    };
    let (create, group) = (
        format!("CREATE topic {letters} on `sh`"),
        "READ group billing on `sh`",
    );
    let describe = format!("DESCRIBE topic {letters} on `sh`");
    told(&scene, &[&create, &describe, group]);
    grant(
        &mut scene,
        "sh",
        &["--operation", "Read", "--group", "billing"],
    );
    told(&scene, &[&create, &describe]);
    for operation in ["Create", "Describe", "Write", "DescribeConfigs"] {
        let its = ["--operation", operation, "--topic", &letters];
        grant(&mut scene, "sh", &its);
    }
    told(&scene, &[]);
}

#[test]
fn a_home_that_may_not_be_written_is_told_and_nothing_is_published() {
    let mut scene = guarded_scene("guarded-home", "acls: false");
    let text = std::fs::read_to_string(scene.file()).expect("it can be read");
    let with_home = text.replacen("clusters:", "home: sh\nclusters:", 1);
    std::fs::write(scene.file(), with_home).expect("it can be written");
    let prefix = format!("crossdock.{}.", scene.topology());
    let prefixed = ["--resource-pattern-type", "prefixed", "--operation", "All"];
    grant(
        &mut scene,
        "bj",
        &["--operation", "All", "--topic", "orders"],
    );
    grant(
        &mut scene,
        "sh",
        &["--operation", "All", "--topic", "orders-bj"],
    );
    for alias in ["bj", "sh"] {
        let seen = ["--operation", "Describe", "--operation", "DescribeConfigs"];
        grant(&mut scene, alias, &[&seen[..], &["--cluster"]].concat());
    }
    for resource in ["--group", "--transactional-id"] {
        let its = [resource, prefix.as_str()];
        grant(&mut scene, "sh", &[&prefixed[..], &its].concat());
    }
    let control = "topic crossdock.topology on `sh`";
    let told = |scene: &Scene, operation: &str| {
        let (code, plan) = json(scene);
        let found = findings(&plan);
        assert_eq!(code, Some(1), "{found:?}");
        let what = format!("missing-permission: User:dock may not {operation} {control}");
        assert_found(&found, &what);
    };
    let allow = |scene: &mut Scene, operation: &str| {
        let its = ["--operation", operation, "--topic", "crossdock.topology"];
        grant(scene, "sh", &its);
    };
    told(&scene, "CREATE");
    allow(&mut scene, "Create");
    told(&scene, "DESCRIBE");
    allow(&mut scene, "DescribeConfigs");
    allow(&mut scene, "Describe");
    // Made, and then not written: apply says what it did, and what not.
    let applied = scene.command("apply", &["--yes"]);
    let text = said(&applied);
    assert_eq!(applied.status.code(), Some(3), "{text}");
    assert!(text.contains("done: topic orders-bj on `sh`"), "{text}");
    assert!(text.contains("crossdock.topology"), "{text}");
    told(&scene, "WRITE");
    for operation in ["Read", "Write", "AlterConfigs"] {
        allow(&mut scene, operation);
    }
    let applied = scene.command("apply", &["--yes"]);
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    let history = scene.command("history", &[]);
    assert!(said(&history).contains("sha256:"), "{}", said(&history));
}

#[test]
fn acls_follow_their_topic_without_write_and_never_wider_than_read() {
    let mut scene = guarded_scene("acls", "acls: true");
    let (bj, sh) = (
        scene.broker("bj").bootstrap(),
        scene.broker("sh").bootstrap(),
    );
    for (kind, user, operation) in [
        ("--allow-principal", "User:reader", "Read"),
        ("--allow-principal", "User:writer", "Write"),
        ("--allow-principal", "User:owner", "All"),
        ("--deny-principal", "User:nobody", "All"),
    ] {
        let who = ["--add", kind, user, "--operation", operation];
        admin::acls(&bj, &[&who[..], &["--topic", "orders"]].concat());
    }
    grant_what_acls_need(&mut scene);
    let planned = String::from_utf8_lossy(&scene.command("plan", &[]).stdout).into_owned();
    assert!(
        planned.ends_with(
            "
+ topic orders-bj on `sh`: 2 partitions, replication factor: 1
      max.message.bytes = 1064972
      segment.ms = 7000000
+ ACL of topic orders-bj on `sh`: DENY User:nobody ALL from *
+ ACL of topic orders-bj on `sh`: ALLOW User:dock READ from *
+ ACL of topic orders-bj on `sh`: ALLOW User:owner READ from *
+ ACL of topic orders-bj on `sh`: ALLOW User:reader READ from *

note[not-synced]: edge bj-to-sh: of the ACLs that follow to topic orders-bj on `sh`, ALLOW User:dock ALL becomes READ, ALLOW User:owner ALL becomes READ, ALLOW User:writer WRITE stays out
  = help: nobody but crossdock is to write a replica; make by hand what is wanted all the same

Plan: 5 to create, 0 to change, 0 to delete; 0 errors, 0 warnings.
"
        ),
        "{planned}"
    );
    let applied = scene.command("apply", &["--yes"]);
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    let listed = admin::acls(&sh, &["--list", "--topic", "orders-bj"]);
    for (user, operation, permission) in [
        ("reader", "READ", "ALLOW"),
        ("owner", "READ", "ALLOW"),
        ("nobody", "ALL", "DENY"),
    ] {
        let line = format!(
            "principal=User:{user}, host=*, operation={operation}, permissionType={permission}"
        );
        assert!(listed.contains(&line), "{line} is not in {listed}");
    }
    assert!(
        !listed.contains("User:writer"),
        "WRITE does not follow: {listed}"
    );
    let (code, plan) = json(&scene);
    let changes = plan["summary"]["changes"].as_u64();
    assert_eq!((code, changes), (Some(0), Some(0)), "{plan}");
    assert_eq!(scene.config("sh", "orders-bj", "segment.ms"), "7000000");
    scene.produce("bj", "orders", 200);
    scene.run_once();
    scene.verdict().assert_exact();

    assert_one_that_comes_later_follows(scene, (&bj, &sh));
}

fn grant_what_acls_need(scene: &mut Scene) {
    for (alias, resource) in [
        ("bj", ["--cluster", "--force"]),
        ("bj", ["--topic", "orders"]),
        ("sh", ["--cluster", "--force"]),
        ("sh", ["--topic", "orders-bj"]),
        ("sh", ["--group", "*"]),
        ("sh", ["--transactional-id", "*"]),
    ] {
        grant(
            scene,
            alias,
            &[&["--operation", "All"][..], &resource].concat(),
        );
    }
}

fn assert_one_that_comes_later_follows(mut scene: Scene, (bj, sh): (&str, &str)) {
    scene.start_as(DOCK, &["--sync-interval", "1s"]);
    let late = [
        "--add",
        "--allow-principal",
        "User:late",
        "--operation",
        "Read",
    ];
    admin::acls(bj, &[&late[..], &["--topic", "orders"]].concat());
    wait::until("the ACL follows", Duration::from_secs(120), || {
        let log = scene.dock(DOCK).log();
        let words = "Kept in step: ACL of topic orders-bj on `sh`: ALLOW User:late READ from *";
        match log.contains(words) {
            true => Ok(()),
            false => Err(scene.dock(DOCK).log_tail(5)),
        }
    });
    let stays = "Not kept in step: of the ACLs that follow to topic orders-bj on `sh`";
    assert!(scene.dock(DOCK).log().contains(stays), "what stays is told");
    let listed = admin::acls(sh, &["--list", "--topic", "orders-bj"]);
    assert!(
        listed.contains("principal=User:late, host=*, operation=READ"),
        "{listed}"
    );
}

#[test]
fn a_cluster_without_an_authorizer_has_no_acls_and_that_is_no_failure() {
    let text = TEXT
        .lines()
        .filter(|line| !line.contains("sasl") && !line.contains("security"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut scene = crate::scenes::scene("no-authorizer", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 1);
    let (code, plan) = json(&scene);
    let told = findings(&plan);
    assert_eq!(code, Some(0), "{told:?}");
    for alias in ["bj", "sh"] {
        let words = format!("acls-unread: ACLs of `{alias}` cannot be read: it has no authorizer");
        assert_found(&told, &words);
    }
    let changes = plan["changes"].as_array().into_iter().flatten();
    let actions: Vec<_> = changes.map(|c| c["action"].as_str()).collect();
    assert_eq!(actions, [Some("create-topic")]);
}

/// Takes from `dock` what it was let do.
fn revoke(scene: &mut Scene, alias: &str, arguments: &[&str]) {
    let principal = ["--remove", "--force", "--allow-principal", "User:dock"];
    let bootstrap = scene.broker(alias).bootstrap();
    admin::acls(&bootstrap, &[&principal[..], arguments].concat());
}

const TWO_TOPICS: &str = r#"
topology: guarded
clusters:
  bj:
    bootstrap.servers: "${BJ_BOOTSTRAP}"
  sh:
    bootstrap.servers: "${SH_BOOTSTRAP}"
    security.protocol: SASL_PLAINTEXT
    sasl.mechanism: PLAIN
    sasl.username: dock
    sasl.password: ${DOCK_PASSWORD:-dock-secret}
edges:
  - { from: bj, to: sh, topics: orders|users }
"#;

#[test]
fn a_target_topic_that_may_not_be_written_stops_alone_and_goes_on_when_it_may() {
    let clusters = BTreeMap::from([
        ("bj".to_owned(), Lease::own(&[])),
        ("sh".to_owned(), guarded()),
    ]);
    let mut scene = Scene::with_clusters(
        env!("CARGO_BIN_EXE_crossdock"),
        "revoked",
        clusters,
        TWO_TOPICS,
    );
    scene.proxy("sh");
    for topic in ["orders", "users"] {
        scene.topic("bj", topic, 1);
        scene.topic("sh", topic, 1);
        scene.route("bj-to-sh", topic, topic);
    }
    let all = ["--operation", "All"];
    for what in [
        &["--cluster"][..],
        &["--topic", "orders"],
        &["--group", "*"],
        &["--transactional-id", "*"],
    ] {
        grant(&mut scene, "sh", &[&all[..], what].concat());
    }
    let users = [
        "--operation",
        "Write",
        "--operation",
        "Read",
        "--topic",
        "users",
    ];
    grant(&mut scene, "sh", &users);
    scene.start();
    scene.load("bj", "orders", 300);
    scene.load("bj", "users", 300);
    scene.until_copied("sh", "orders", 500);
    scene.until_copied("sh", "users", 500);

    revoke(
        &mut scene,
        "sh",
        &["--operation", "Write", "--topic", "users"],
    );
    let reason = scene.until_partition("users", 0, "retrying");
    assert!(
        reason.contains("User:dock may not WRITE topic users on cluster `sh`"),
        "{reason}"
    );
    let (orders, users_end) = (scene.end_sum("sh", "orders"), scene.end_sum("sh", "users"));
    scene.until_copied("sh", "orders", orders + 3_000);
    assert!(scene.end_sum("sh", "users") < users_end + 50, "it stands");

    grant(&mut scene, "sh", &users);
    scene.until_copied("sh", "users", users_end + 1_000);
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}
