//! The CI job, as plain shell: what a merge request and the main branch run.

use std::path::Path;
use std::process::{Command, Output};

use crossdock_testbed::scene::Scene;

use crate::scenes::one_way;

/// Runs a step of the job as a runner does, with crossdock in the path.
fn step(scene: &Scene, name: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_crossdock"));
    let folder = binary.parent().expect("it lies in a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/ci/rollout.sh"))
        .arg(name)
        .arg(scene.file())
        .current_dir(scene.folder())
        .envs(scene.environment())
        .env("PATH", format!("{folder}:{path}"))
        .output()
        .expect("the script runs")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_merge_request_is_checked_and_main_is_applied() {
    let scene = one_way("ci", 2);
    assert_eq!(code(&step(&scene, "check")), Some(0));
    let comment = std::fs::read_to_string(scene.folder().join("plan.md")).expect("it was written");
    assert!(comment.starts_with("```diff\n"), "{comment}");
    assert!(
        comment.contains("\n+ topic orders on `sh`: 2 partitions"),
        "{comment}"
    );
    assert!(
        scene.logs("sh", "orders").is_empty(),
        "a check changes nothing"
    );
    assert_eq!(code(&step(&scene, "apply")), Some(0));
    assert_eq!(code(&step(&scene, "apply")), Some(0), "twice is as once");
    assert_eq!(scene.logs("sh", "orders").len(), 2);

    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    let write = |text: &str| std::fs::write(scene.file(), text).expect("it can be written");
    write(&text.replace("topics:", "topcs:"));
    assert_eq!(
        code(&step(&scene, "check")),
        Some(1),
        "an error of the file"
    );
    write(&text.replace("${SH_BOOTSTRAP}", "localhost:1"));
    assert_eq!(
        code(&step(&scene, "check")),
        Some(3),
        "a cluster that does not answer"
    );
    assert_eq!(code(&step(&scene, "nonsense")), Some(2));
}

#[test]
fn two_files_are_compared_without_any_cluster() {
    let scene = one_way("ci-diff", 1);
    let text = std::fs::read_to_string(scene.file()).expect("it is there");
    let new = scene.folder().join("new.yaml");
    let new = new.to_str().expect("a path is text");
    std::fs::write(
        new,
        text.replace("products }", "products|carts, rename: suffix }"),
    )
    .expect("it can be written");
    let old = scene.file();
    let old = old.to_str().expect("a path is text");
    let output = scene.bare_command(&["diff", old, new]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "~ edge bj-to-sh
    topics: orders|users|products -> orders|users|products|carts
    rename: keep -> {topic}-bj
    topic carts is taken, into carts-bj
    topic orders: orders -> orders-bj; copying goes on where it was, orders stays
    topic products: products -> products-bj; copying goes on where it was, products stays
    topic users: users -> users-bj; copying goes on where it was, users stays
"
    );
    let same = scene.bare_command(&["diff", old, old]);
    assert_eq!(
        (
            same.status.code(),
            String::from_utf8_lossy(&same.stdout).as_ref()
        ),
        (Some(0), "No changes.\n")
    );
}

#[test]
fn the_jobs_that_are_shipped_are_yaml_and_run_the_steps_that_are_tried() {
    for name in ["github.yml", "gitlab.yml"] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/ci/").to_owned() + name;
        let text = std::fs::read_to_string(path).expect("it is there");
        let mut scalars = Vec::new();
        for event in saphyr_parser::Parser::new_from_str(&text) {
            let (event, at) = event.unwrap_or_else(|error| panic!("{name}: {error}"));
            if let saphyr_parser::Event::Scalar(value, ..) = event {
                scalars.push((value.into_owned(), at.start.line()));
            }
        }
        for step in ["check", "apply"] {
            let line = format!("deploy/ci/rollout.sh {step} topology.yaml");
            let found = scalars.iter().find(|(value, _)| *value == line);
            assert!(found.is_some(), "{name} does not run `{line}`: {scalars:?}");
        }
    }
}
