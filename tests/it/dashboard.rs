//! The dashboard, in a real browser.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crossdock_testbed::broker::free_port;
use crossdock_testbed::browser::Browser;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::spawn::{self, Signal};
use crossdock_testbed::{http, tools, wait};

use crate::scenes::one_way;

/// How long the page may take to show what is so.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// A window as on a desk.
const DESK: (u32, u32) = (1360, 900);

/// A browser with the dashboard of the scene's crossdock; `None` where it is done without.
fn browser(scene: &mut Scene, name: &str) -> Option<Browser> {
    let Some(mut browser) = Browser::start(name, DESK) else {
        tools::do_without("chromium", "chromium");
        return None;
    };
    browser.open(&format!("http://{}/", scene.dock(DOCK).listen()));
    browser.until("document.querySelector('.edge-card .chip')", SHOWN_WITHIN);
    Some(browser)
}

/// The text of the first element.
fn text(selector: &str) -> String {
    format!("document.querySelector('{selector}').textContent")
}

fn assert_at_peace(scene: &mut Scene, browser: &mut Browser) {
    let own = format!("http://{}/", scene.dock(DOCK).listen());
    let requests = browser.requests();
    let elsewhere: Vec<_> = requests
        .iter()
        .filter(|url| !url.starts_with(&own) && !url.starts_with("data:"))
        .collect();
    assert!(elsewhere.is_empty() && requests.len() > 8, "{requests:?}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn it_shows_what_the_status_says_and_a_click_pauses() {
    let mut scene = one_way("dashboard", 3);
    scene.produce("bj", "orders", 1_234);
    scene.start();
    scene.until_caught_up();
    let Some(mut browser) = browser(&mut scene, "browser-shows") else {
        return;
    };
    let topology = scene.topology().to_owned();
    assert_eq!(browser.value(&text("#topology")), topology.as_str());
    browser.until(
        "document.querySelector('.edge-card .chip').textContent === 'caught up'",
        SHOWN_WITHIN,
    );

    assert_shows_partitions(&mut scene, &mut browser);
    assert_click_pauses(&mut scene, &mut browser);
    assert_dresses(&mut browser);
    // Whoever cannot see it is told as well.
    let label = browser.value("document.querySelector('g.edge').getAttribute('aria-label')");
    assert!(label.to_string().contains("bj-to-sh"), "{label}");
    assert_at_peace(&mut scene, &mut browser);
    scene.verdict().assert_exact();
}

fn assert_shows_partitions(scene: &mut Scene, browser: &mut Browser) {
    // By keyboard alone: the card's button opens the panel.
    browser.value("document.querySelector('.edge-card .open').focus()");
    browser.press("Enter");
    browser.until(
        "document.querySelectorAll('#panel tbody tr').length === 3",
        SHOWN_WITHIN,
    );
    let topology = scene.topology().to_owned();
    let status = scene.dock(DOCK).status().expect("it tells its status");
    let edge = &status["edges"][0];
    for partition in edge["partitions"].as_array().expect("it has partitions") {
        let name = format!(
            "{}-{}",
            partition["topic"].as_str().unwrap_or_default(),
            partition["partition"]
        );
        let row = format!(
            "[...document.querySelectorAll('#panel tbody tr')].find(r => r.firstChild.textContent === '{name}')"
        );
        let cells = browser.value(&format!(
            "[...{row}.children].map(c => c.textContent.replaceAll(',', ''))"
        ));
        assert_eq!(cells[1], "orders");
        assert_eq!(cells[2], "caught up");
        assert_eq!(cells[3], partition["position"].to_string(), "{name}");
        assert_eq!(cells[4], "0");
    }
    browser.until(
        "document.querySelector('#panel dl').textContent.includes('Copied1,234')",
        SHOWN_WITHIN,
    );
    browser.until(
        &format!(
            "{}.includes('crossdock.{topology}.bj-to-sh')",
            text("#panel .group")
        ),
        SHOWN_WITHIN,
    );
}

fn assert_click_pauses(scene: &mut Scene, browser: &mut Browser) {
    browser.value("document.querySelector('#panel button.main').click()");
    browser.until(
        "document.querySelector('.edge-card .chip').textContent === 'paused'",
        SHOWN_WITHIN,
    );
    let status = scene.dock(DOCK).status().expect("it tells its status");
    assert_eq!(status["edges"][0]["state"], "paused");
    browser.until(
        "document.querySelector('#panel button.main').textContent === 'Resume'",
        SHOWN_WITHIN,
    );
    browser.until(
        "document.querySelector('#events').textContent.includes('paused')",
        SHOWN_WITHIN,
    );
    browser.value("document.querySelector('#panel button.main').click()");
    browser.until(
        "document.querySelector('.edge-card .chip').textContent === 'caught up'",
        SHOWN_WITHIN,
    );
}

/// Two languages, light and dark, and a phone.
fn assert_dresses(browser: &mut Browser) {
    browser.value("document.querySelector('#language').click()");
    browser.until(
        "document.querySelector('.edge-card .chip').textContent === '已追平'",
        SHOWN_WITHIN,
    );
    assert_eq!(browser.value("document.documentElement.lang"), "zh-CN");
    let ground = "getComputedStyle(document.body).backgroundColor";
    let before = browser.value(ground);
    browser.value("document.querySelector('#theme').click()");
    assert_ne!(browser.value(ground), before, "light and dark differ");
    browser.resize((390, 844));
    browser.until("document.documentElement.scrollWidth <= 390", SHOWN_WITHIN);
    browser.press("Escape");
    browser.until("document.querySelector('#panel').hidden", SHOWN_WITHIN);
}

#[test]
fn a_killed_cluster_turns_red_within_ten_seconds() {
    let mut scene = one_way("red", 2);
    scene.produce("bj", "orders", 100);
    scene.proxy("sh");
    scene.start();
    scene.until_caught_up();
    let Some(mut browser) = browser(&mut scene, "browser-red") else {
        return;
    };
    browser.until(
        "document.querySelector('[data-cluster=sh]').classList.contains('good')",
        SHOWN_WITHIN,
    );
    // For crossdock the cluster is gone; others share its broker.
    scene.proxy("sh").cut();
    let red = "document.querySelector('[data-cluster=sh]').classList.contains('bad') \
         && document.querySelector('[data-edge=bj-to-sh]').classList.contains('bad')";
    browser.until(red, Duration::from_secs(10));
    assert_eq!(
        browser.value("document.querySelector('[data-cluster=bj]').classList.contains('good')"),
        true,
        "the other one lives"
    );
    scene.proxy("sh").flow();
    browser.until(
        "document.querySelector('[data-cluster=sh]').classList.contains('good')",
        SHOWN_WITHIN,
    );
    scene.until_caught_up();
    assert_at_peace(&mut scene, &mut browser);
    scene.verdict().assert_exact();
}

/// Makes the pictures of the documentation, of rehearsals that are watched.
#[test]
#[ignore = "draws docs/dashboard-*.png anew; no verdict"]
fn pictures_of_shipped_topologies() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, click) in [
        (
            "three-cities",
            "document.querySelector('.edge-card .open').click()",
        ),
        ("star", "document.querySelector('#theme').click()"),
        ("two-way", "document.querySelector('#language').click()"),
    ] {
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
        command
            .args(["rehearse", &format!("topologies/{name}.yaml")])
            .args(["--watch", "--listen", &address])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut rehearsal = spawn::spawn(command).expect("a rehearsal can be started");
        wait::until("it serves", Duration::from_secs(60), || {
            http::request("GET", &address, "/livez").map(drop)
        });
        let mut browser = Browser::start(name, DESK).expect("Chromium is installed");
        browser.open(&format!("http://{address}/"));
        browser.until("document.querySelector('.edge-card .chip')", SHOWN_WITHIN);
        // Charts need some points to have something to show.
        thread::sleep(Duration::from_secs(45));
        browser.value(click);
        thread::sleep(Duration::from_secs(4));
        browser.picture(&folder.join(format!("docs/dashboard-{name}.png")));
        assert_eq!(browser.complaints(), Vec::<String>::new());
        spawn::signal(&rehearsal, Signal::Terminate);
        rehearsal.wait().expect("it ends");
    }
}
