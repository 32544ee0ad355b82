//! Waiting for something to become true, with a limit: never a sleep for luck.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

/// Asks `probe` until it gives something, and panics with its last excuse after `limit`.
pub fn until<T, E: Display>(
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(found) => return found,
            Err(excuse) if start.elapsed() > limit => {
                panic!("not within {limit:?}: {what}: {excuse}")
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// How long something has stood as it is.
pub struct Still<T> {
    last: T,
    since: Instant,
}

impl<T: PartialEq> Still<T> {
    /// From now on.
    pub fn new(now: T) -> Self {
        let since = Instant::now();
        Self { last: now, since }
    }

    /// That it is `now`; an excuse unless it has been for `rest`.
    pub fn stands(&mut self, now: T, rest: Duration) -> Result<(), String> {
        if now != self.last {
            *self = Self::new(now);
        }
        match self.since.elapsed() >= rest {
            true => Ok(()),
            false => Err("it still grows".to_owned()),
        }
    }
}
