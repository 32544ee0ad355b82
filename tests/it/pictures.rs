//! The pictures of the documentation: three of the shipped topologies, under load on real brokers.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crossdock_testbed::browser::Browser;
use crossdock_testbed::scene::{DOCK, Scene};

use crate::scenes::scene;

/// A window as on a desk.
const DESK: (u32, u32) = (1360, 900);

/// Records a second and topic: as many as a machine that also draws them can take.
const RATE: usize = 600;

/// How long there is load before a picture is taken: charts need something to show.
const UNDER_LOAD: Duration = Duration::from_secs(100);

/// What each city produces.
const TWO: &[&str] = &["orders", "users"];

/// What one picture shows.
struct Picture {
    topology: &'static str,
    /// Every cluster, and the topics that are produced there.
    clusters: &'static [(&'static str, &'static [&'static str])],
    /// Clicked before it is taken.
    click: &'static str,
}

#[test]
#[ignore = "draws docs/dashboard-*.png anew; no verdict"]
fn pictures_of_shipped_topologies() {
    for picture in [
        Picture {
            topology: "three-cities",
            clusters: &[("bj", TWO), ("sh", TWO), ("sz", TWO)],
            click: "document.querySelector('[data-edge=sh-to-sz] .open').click()",
        },
        Picture {
            topology: "star",
            clusters: &[
                ("north", &["orders", "metrics"]),
                ("east", &["orders", "metrics"]),
                ("south", &["orders"]),
                ("hq", &[]),
            ],
            click: "document.querySelector('#theme').click()",
        },
        Picture {
            topology: "two-way",
            clusters: &[("bj", &["orders"]), ("sh", &["orders"])],
            click: "document.querySelector('#language').click(); document.querySelector('.edge-card .open').click()",
        },
    ] {
        take(&picture);
    }
}

fn take(picture: &Picture) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = picture.topology;
    let file = root.join(format!("topologies/{name}.yaml"));
    let text = std::fs::read_to_string(&file).expect("it is shipped");
    let aliases: Vec<&str> = picture.clusters.iter().map(|(alias, _)| *alias).collect();
    let mut scene = scene(&format!("picture-{name}"), &aliases, &text);
    for (alias, topics) in picture.clusters {
        for topic in *topics {
            scene.topic(alias, topic, 4);
        }
    }
    // Under its own name, which a scene's file has not.
    scene.start_without_file(DOCK, &[file.to_str().expect("a path is text")], &[]);
    let mut browser = Browser::start(name, DESK).expect("Chromium is installed");
    browser.open(&format!("http://{}/", scene.dock(DOCK).listen()));
    browser.until(
        "document.querySelector('.edge-card .chip')",
        Duration::from_secs(60),
    );
    for (alias, topics) in picture.clusters {
        for topic in *topics {
            scene.live_load(alias, topic, RATE);
        }
    }
    thread::sleep(UNDER_LOAD / 3);
    // Something happens: an edge stands for a while.
    let last = last_edge(&mut scene);
    for verb in ["pause", "resume"] {
        let path = format!("/api/v1/edges/{last}/{verb}");
        scene.dock(DOCK).post(&path).expect("it can be asked");
        thread::sleep(UNDER_LOAD / 10);
    }
    thread::sleep(UNDER_LOAD / 2);
    browser.value(picture.click);
    thread::sleep(Duration::from_secs(4));
    browser.picture(&root.join(format!("docs/dashboard-{name}.png")));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    scene.stop_load();
}

fn last_edge(scene: &mut Scene) -> String {
    let status = scene.dock(DOCK).status().expect("it tells its status");
    let edges = status["edges"].as_array().expect("it has edges");
    let last = edges.last().and_then(|e| e["name"].as_str());
    last.expect("an edge has a name").to_owned()
}
