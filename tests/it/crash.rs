//! kill -9 of crossdock, again and again under load.

use std::time::{Duration, Instant};

use crossdock_testbed::random::Random;
use crossdock_testbed::scene::{DOCK, Scene};
use crossdock_testbed::wait;

use crate::scenes::{one_way, two_way};

/// A member of a kind that is not static would wait for the end of its old session each time. On a
/// machine with nothing else to do it takes a second or two.
const SESSION: Duration = Duration::from_secs(10);

#[test]
fn killed_ten_times_under_load_it_is_exact_and_copies_again_before_its_session_ends() {
    let mut scene = two_way("killed-ten-times", 3);
    scene.start();
    scene.load("bj", "orders", 1_000);
    scene.load("sh", "orders", 1_000);
    scene.until_copied("sh", "orders", 2_000);
    scene.watch_positions();
    let mut random = Random::new(10);
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        // At any moment of a transaction, not always after the same pause.
        std::thread::sleep(Duration::from_millis(200 + random.below(800)));
        scene.dock(DOCK).kill();
        let took = restarted(&mut scene);
        println!("copying again after {took:?}");
        quickest = quickest.min(took);
    }
    scene.stop_load();
    scene.until_caught_up();
    scene.verdict().assert_exact();
    assert!(quickest < SESSION, "copying again took {quickest:?}");
}

/// Restarts crossdock; the time until copies are committed on both sides.
fn restarted(scene: &mut Scene) -> Duration {
    let progress = ["bj-to-sh", "sh-to-bj"].map(|edge| scene.progress(edge, "orders"));
    let copies = || [progress[0].sum(), progress[1].sum()];
    let before = copies();
    let start = Instant::now();
    scene.dock(DOCK).restart();
    wait::until("copying again", Duration::from_secs(60), || {
        let now = copies();
        let all = now.iter().zip(&before).all(|(now, before)| now > before);
        if all {
            Ok(())
        } else {
            Err(format!("{before:?}, {now:?}"))
        }
    });
    start.elapsed()
}

#[test]
fn killed_twice_while_it_starts_it_is_exact() {
    let mut scene = one_way("killed-at-start", 2);
    scene.produce("bj", "orders", 5_000);
    for pause in [50, 150, 300, 600, 1_000] {
        scene.start();
        std::thread::sleep(Duration::from_millis(pause));
        scene.dock(DOCK).kill();
    }
    scene.start();
    scene.until_caught_up();
    scene.verdict().assert_exact();
}
