//! Clusters with an authorizer: what the principal may not do is told before, ACLs follow their topics.

use std::collections::BTreeMap;
use std::process::Output;

use crossdock_testbed::admin;
use crossdock_testbed::pool::Lease;
use crossdock_testbed::scene::Scene;
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
fn guarded() -> Lease {
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
    (output.status.code(), plan.unwrap_or_else(|e| panic!("{e}: {}", said(&output))))
}

/// `code: message` of every finding.
fn findings(plan: &Value) -> Vec<String> {
    let all = plan["findings"].as_array().into_iter().flatten();
    all.map(|f| format!("{}: {}", f["code"].as_str().unwrap_or("?"), f["message"].as_str().unwrap_or("?")))
        .collect()
}

#[test]
fn missing_permissions_are_told_with_principal_operation_and_topic_and_acls_follow() {
    let clusters = BTreeMap::from([("bj".to_owned(), guarded()), ("sh".to_owned(), guarded())]);
    let mut scene = Scene::with_clusters(env!("CARGO_BIN_EXE_crossdock"), "guarded", clusters, TEXT);
    scene.proxy("bj");
    scene.proxy("sh");
    scene.topic_with("bj", "orders", 2, &[("segment.ms", "7000000")]);
    scene.route("bj-to-sh", "orders", "orders-bj");
    let (bj, sh) = (scene.broker("bj").bootstrap(), scene.broker("sh").bootstrap());
    let grant = |bootstrap: &str, arguments: &[&str]| {
        let principal = ["--add", "--allow-principal", "User:dock"];
        admin::acls(bootstrap, &[&principal[..], arguments].concat());
    };

    // May see nothing: the topic that the file names is hidden, not missing.
    grant(&bj, &["--operation", "Describe", "--cluster"]);
    grant(&sh, &["--operation", "Describe", "--operation", "DescribeConfigs", "--cluster"]);
    let (code, plan) = json(&scene);
    let told = findings(&plan);
    assert_eq!(code, Some(1), "{told:?}");
    let hidden = "missing-permission: User:dock may not DESCRIBE topic orders on `bj`";
    assert!(told.iter().any(|f| f == hidden), "{told:?}");

    // May see it, but neither read it nor make its copy.
    grant(&bj, &["--operation", "Describe", "--operation", "DescribeConfigs", "--topic", "orders"]);
    let (code, plan) = json(&scene);
    let told = findings(&plan);
    assert_eq!(code, Some(1), "{told:?}");
    for expected in [
        "missing-permission: User:dock may not READ topic orders on `bj`",
        "create-permission: User:dock may not CREATE on cluster `sh`",
    ] {
        assert!(told.iter().any(|f| f.starts_with(expected)), "{expected} is not in {told:?}");
    }
    let refused = scene.command("apply", &["--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));

    grant(&bj, &["--operation", "Read", "--topic", "orders"]);
    let refused = scene.command("apply", &["--yes"]);
    let words = said(&refused);
    assert_eq!(refused.status.code(), Some(3), "{words}");
    assert!(words.contains("not done: topic orders-bj") && words.contains("uthoriz"), "{words}");

    // Users of the topic: one reads, one writes, one may do everything, one nothing.
    for (kind, user, operation) in [
        ("--allow-principal", "User:reader", "Read"),
        ("--allow-principal", "User:writer", "Write"),
        ("--allow-principal", "User:owner", "All"),
        ("--deny-principal", "User:nobody", "All"),
    ] {
        admin::acls(&bj, &["--add", kind, user, "--operation", operation, "--topic", "orders"]);
    }
    for operation in ["Create", "Alter", "AlterConfigs", "ClusterAction"] {
        grant(&sh, &["--operation", operation, "--cluster"]);
    }
    grant(&sh, &["--operation", "All", "--topic", "orders-bj"]);
    grant(&sh, &["--operation", "All", "--group", "*"]);
    grant(&sh, &["--operation", "All", "--transactional-id", "*"]);
    let applied = scene.command("apply", &["--yes"]);
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    let listed = admin::acls(&sh, &["--list", "--topic", "orders-bj"]);
    for (user, operation, permission) in [
        ("reader", "READ", "ALLOW"),
        ("owner", "READ", "ALLOW"),
        ("nobody", "ALL", "DENY"),
    ] {
        let line = format!("principal=User:{user}, host=*, operation={operation}, permissionType={permission}");
        assert!(listed.contains(&line), "{line} is not in {listed}");
    }
    assert!(!listed.contains("User:writer"), "WRITE does not follow: {listed}");
    let (code, plan) = json(&scene);
    assert_eq!((code, plan["summary"]["changes"].as_u64()), (Some(0), Some(0)), "{plan}");
    assert_eq!(scene.config("sh", "orders-bj", "segment.ms"), "7000000");

    scene.produce("bj", "orders", 200);
    scene.run_once();
    scene.verdict().assert_exact();
}

#[test]
fn a_cluster_without_an_authorizer_is_one_advice_and_no_failure() {
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
    assert!(told.iter().any(|f| f.starts_with("acls-unread: ACLs of `bj`")), "{told:?}");
}
