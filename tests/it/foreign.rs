//! Two teams, two files, one pair of clusters: what the other file has replicated is known by its
//! records.

use crossdock_testbed::scene::{DOCK, Scene};
use serde_json::Value;

use crate::scenes::one_way;

/// The other team's file: it knows nothing of the edge that fills `orders` in sh.
fn other_file(scene: &Scene) -> String {
    let text = format!(
        "topology: {}-back\nclusters:\n  bj: {{ bootstrap.servers: \"${{BJ_BOOTSTRAP}}\" }}\n  sh: {{ bootstrap.servers: \"${{SH_BOOTSTRAP}}\" }}\n\
         edges:\n  - {{ from: sh, to: bj, topics: orders, rename: suffix }}\n",
        scene.topology()
    );
    let path = scene.folder().join("other.yaml");
    std::fs::write(&path, text).expect("it can be written");
    path.to_str().expect("a path is text").to_owned()
}

#[test]
fn a_replica_of_another_file_makes_no_topic_until_a_record_passes() {
    let mut scene = one_way("foreign", 2);
    scene.produce("bj", "orders", 200);
    scene.run_once();
    let other = other_file(&scene);
    let plan = scene.bare_command(&["plan", &other, "--format", "json"]);
    let plan: Value = serde_json::from_slice(&plan.stdout).expect("it is JSON");
    assert_eq!(plan["summary"]["changes"], 0, "{plan}");
    assert_eq!(plan["edges"][0]["topics"][0]["is_held"], true, "{plan}");
    assert_eq!(plan["findings"][0]["code"], "foreign-replica", "{plan}");
    let run = ["run", &other, "--once", "--listen", "127.0.0.1:0"];
    let once = scene.bare_command(&run);
    assert!(
        once.status.success(),
        "{}",
        String::from_utf8_lossy(&once.stderr)
    );
    assert!(
        scene.logs("bj", "orders-sh").is_empty(),
        "nothing may be copied, nothing is made"
    );

    scene.produce("sh", "orders", 50);
    let once = scene.bare_command(&run);
    assert!(
        once.status.success(),
        "{}",
        String::from_utf8_lossy(&once.stderr)
    );
    assert_eq!(
        scene.count("bj", "orders-sh"),
        50,
        "what was produced in sh, and nothing else"
    );
    scene.forget(DOCK);
}
