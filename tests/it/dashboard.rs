//! The dashboard, in a real browser.

use std::time::Duration;

use crossdock_testbed::browser::Browser;
use crossdock_testbed::proxy::api;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::{consumer, tools};

use crate::scenes::{ONE_WAY, one_way, scene};

/// How long the page may take to show what is so.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

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

/// An edge with groups that follow and a low threshold, and a cluster that no edge touches.
fn with_more_to_tell() -> Scene {
    let keys =
        "products, sync: { groups: billing }, expect: { lag: { warn: 10, alarm: 100000 } } }";
    let text = ONE_WAY.replace("products }", keys).replace(
        "edges:",
        "  sz: { bootstrap.servers: \"localhost:9\" }\nedges:",
    );
    let mut scene = scene("dashboard-more", &["bj", "sh"], &text);
    scene.topic("bj", "orders", 2);
    scene.route("bj-to-sh", "orders", "orders");
    scene.group("bj", "billing");
    scene.group("sh", "billing");
    scene.proxy("sh");
    scene.produce("bj", "orders", 500);
    let bj = scene.broker("bj").bootstrap();
    consumer::commit(&bj, "billing", "orders", &[(0, 100), (1, 50)]);
    scene.start_as(DOCK, &["--groups-interval", "500ms"]);
    scene.until_caught_up();
    scene
}

/// Whether something is drawn on the canvas.
fn drawn(selector: &str) -> String {
    format!(
        "(() => {{ const c = document.querySelector('{selector}'); return c !== null \
           && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v !== 0); }})()"
    )
}

#[test]
fn findings_groups_charts_and_reasons_are_on_the_page() {
    let mut scene = with_more_to_tell();
    let Some(mut browser) = browser(&mut scene, "browser-more") else {
        return;
    };
    let shows = |browser: &mut Browser, selector: &str, words: &str| {
        let is_there = format!(
            "[...document.querySelectorAll('{selector}')].some((e) => e.textContent.includes('{words}'))"
        );
        // A partition that stands is told after half a minute.
        browser.until(&is_there, SHOWN_WITHIN * 3);
    };
    shows(&mut browser, "#findings li", "unused-cluster");
    // A small chart has nothing but its line, which needs a point of the history.
    browser.until(&drawn(".edge-card .spark canvas"), SHOWN_WITHIN * 2);
    browser.value("document.querySelector('.edge-card .open').click()");
    shows(&mut browser, "#panel tbody th", "billing");
    shows(&mut browser, "#panel .chip", "in step");
    browser.until(&drawn("#panel .plot canvas"), SHOWN_WITHIN);

    // What is worth a look has a word of its own, and a reason to be read without a pointer.
    scene.proxy("sh").hold(&[api::PRODUCE]);
    scene.produce("bj", "orders", 60);
    for (selector, words) in [
        (".edge-card .chip", "worth a look"),
        ("g.edge .rate", "worth a look"),
        ("#tally li", "1 worth a look"),
        ("#panel .reason", "lag 60 records is above 10 records"),
    ] {
        shows(&mut browser, selector, words);
    }
    let label = browser.value("document.querySelector('g.edge').getAttribute('aria-label')");
    assert!(
        label.to_string().contains("worth a look, ") && label.to_string().contains("above 10"),
        "{label}"
    );
    shows(&mut browser, "#panel tbody .why", "has stood at offset");
    // And what happens is said to whoever does not see it.
    shows(&mut browser, "#news[role=status]", "bj-to-sh: retrying");
    scene.proxy("sh").flow();
    shows(&mut browser, ".edge-card .chip", "caught up");
    scene.until_caught_up();
    assert_at_peace(&mut scene, &mut browser);
    scene.verdict().assert_exact();
}

#[test]
fn whoever_pauses_is_asked_for_the_token() {
    let mut scene = one_way("dashboard-token", 1);
    scene.start_with_environment(&[("CROSSDOCK_TOKEN", "open-sesame")]);
    scene.until_caught_up();
    let Some(mut browser) = browser(&mut scene, "browser-token") else {
        return;
    };
    browser.value("document.querySelector('.edge-card .open').click()");
    let pause = "document.querySelector('#panel button.main').click()";
    // By keyboard: what is typed is sent with Enter.
    let give = |browser: &mut Browser, token: &str| {
        browser.value(pause);
        browser.until("document.querySelector('#ask').open", SHOWN_WITHIN);
        browser.value("document.querySelector('#token').focus()");
        browser.value(&format!(
            "document.querySelector('#token').value = '{token}'"
        ));
        browser.press("Enter");
        browser.until("!document.querySelector('#ask').open", SHOWN_WITHIN);
    };
    give(&mut browser, "open-sesam");
    browser.until(
        &format!("{}.includes('CROSSDOCK_TOKEN')", text("#panel .reason")),
        SHOWN_WITHIN,
    );
    let state = |scene: &mut Scene| {
        let status = scene.dock(DOCK).status().expect("it tells its status");
        status["edges"][0]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_ne!(state(&mut scene), "paused", "a wrong token pauses nothing");
    give(&mut browser, "open-sesame");
    let is = |word: &str| format!("{} === '{word}'", text(".edge-card .chip"));
    browser.until(&is("paused"), SHOWN_WITHIN);
    assert_eq!(state(&mut scene), "paused");
    // It is kept for as long as the page is open.
    browser.value(pause);
    browser.until(&is("caught up"), SHOWN_WITHIN);
    let known = browser
        .value("document.documentElement.outerHTML")
        .to_string();
    assert!(
        !known.contains("open-sesame"),
        "the token is not on the page"
    );
}

/// What a process with 200 edges between 21 clusters would send, each second something else.
const MANY: &str = r#"
const edges = (at) => Array.from({ length: 200 }, (_, i) => {
  const source = `c${i % 20}`;
  const target = `c${(i % 20 + 1 + Math.floor(i / 20)) % 21}`;
  const rate = 1000 + (i * 7919 + at * 104729) % 5000;
  return {
    name: `${source}-to-${target}`, source, target, state: i % 50 === at % 50 ? "retrying" : "running",
    reason: null, health: i % 70 === at % 70 ? "warn" : "ok", concerns: [], lag_records: rate % 977, lag_seconds: 0.2,
    records_per_second: rate, bytes_per_second: rate * 100, latency_seconds: { p50: 0.1, p99: 0.5 }, records_total: at * rate,
    dropped_total: { loop: 0 }, refused_total: 0, last_heard_seconds: { source: 0.1, target: 0.2 }, partitions: { held: 12, halted: 0 },
  };
});
window.EventSource = class {
  addEventListener(_, told) {
    let at = 0;
    const tell = () => { told({ data: JSON.stringify({ edges: edges(at += 1), events: [] }) }); window.told = at; };
    setTimeout(tell, 50);
    setInterval(tell, 1000);
  }
};
window.fetch = async (path) => ({ ok: true, json: async () => {
  if (path.endsWith("/history")) return Array.from({ length: 360 }, (_, i) => ({ at_ms: Date.now() - 10000 * (360 - i), lag_records: i % 50, records_per_second: i % 90 }));
  return { topology: "many", instance: "host", version: "0", clusters: Array.from({ length: 21 }, (_, i) => `c${i}`), findings: [], wants_token: false };
} });
window.frames_seen = 0;
const frame = () => { window.frames_seen += 1; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
"#;

#[test]
fn two_hundred_edges_leave_the_page_time_to_spare() {
    let mut scene = one_way("dashboard-many", 1);
    scene.start();
    let Some(mut browser) = Browser::start("browser-many", DESK) else {
        tools::do_without("chromium", "chromium");
        return;
    };
    browser.before_load(MANY);
    browser.open(&format!("http://{}/", scene.dock(DOCK).listen()));
    browser.until("window.told > 3", SHOWN_WITHIN * 3);
    let count = |browser: &mut Browser, what: &str| {
        browser.value(&format!("document.querySelectorAll('{what}').length"))
    };
    assert_eq!(count(&mut browser, "g.edge"), 200);
    assert_eq!(count(&mut browser, ".edge-card"), 200);
    let charts = count(&mut browser, ".edge-card canvas").as_u64();
    assert!(
        charts < Some(100),
        "only what is in sight has charts: {charts:?}"
    );
    let now = |browser: &mut Browser| {
        let told = browser.value("[performance.now() / 1000, window.told, window.frames_seen]");
        let of = |i: usize| told[i].as_f64().expect("it is a number");
        (of(0), of(1), of(2), browser.worked_seconds())
    };
    let before = now(&mut browser);
    browser.until(
        &format!("window.told >= {}", before.1 + 10.0),
        SHOWN_WITHIN * 3,
    );
    let after = now(&mut browser);
    let (seconds, updates) = (after.0 - before.0, after.1 - before.1);
    let (frames, worked) = (after.2 - before.2, after.3 - before.3);
    println!(
        "{updates} updates and {frames} frames in {seconds:.1} s, of which the page worked {worked:.2} s"
    );
    assert!(frames > updates, "it is drawn between two updates");
    assert!(
        worked < seconds / 2.0,
        "half of the time is left to whoever uses it: {worked:.2} of {seconds:.1} s"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let picture = scene.folder().join("many.png");
    browser.picture(&picture);
    println!("a picture of it: {}", picture.display());
}
