//! What happens to what passes, and the connections it happens to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::random::Random;

/// A slow network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slow {
    /// How long every request and every response takes more. They wait for each other.
    pub latency: Duration,
    /// How many bytes a second a connection carries each way; 0: as many as it can.
    pub bytes_per_second: u64,
    /// One frame in so many resets its connection; 0: none.
    pub reset_one_in: u64,
}

/// Which of the two ways of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the broker.
    Requests,
    /// From the broker.
    Responses,
}

#[derive(Debug)]
pub(super) struct Rules {
    pub(super) held: BTreeSet<i16>,
    pub(super) is_cut: bool,
    pub(super) is_over: bool,
    pub(super) vanishing: Option<Way>,
    pub(super) slow: Slow,
    pub(super) losing: BTreeMap<i16, u32>,
    pub(super) damaging: BTreeMap<i16, u32>,
    random: Random,
    hits: u64,
    next: u64,
    open: BTreeMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    ends: [TcpStream; 2],
    /// Something of it vanished.
    is_broken: bool,
}

/// The rules of one cluster's proxies.
#[derive(Debug)]
pub(super) struct Network {
    rules: Mutex<Rules>,
    changed: Condvar,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Pass,
    Damage,
    Vanish,
    /// It is not passed on, and the connection ends.
    Reset,
}

impl Default for Network {
    fn default() -> Self {
        let rules = Rules {
            held: BTreeSet::new(),
            is_cut: false,
            is_over: false,
            vanishing: None,
            slow: Slow::default(),
            losing: BTreeMap::new(),
            damaging: BTreeMap::new(),
            random: Random::new(7),
            hits: 0,
            next: 0,
            open: BTreeMap::new(),
        };
        Self {
            rules: Mutex::new(rules),
            changed: Condvar::new(),
        }
    }
}

impl Network {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("no one panics with the rules")
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules());
        self.changed.notify_all();
    }

    pub(super) fn heal(&self) {
        self.change(|rules| {
            rules.held.clear();
            rules.is_cut = false;
            rules.vanishing = None;
            rules.slow = Slow::default();
            rules.losing.clear();
            rules.damaging.clear();
            let broken = rules.open.values().filter(|open| open.is_broken);
            broken.for_each(Open::close);
        });
    }

    pub(super) fn close_all(&self) {
        self.rules().open.values().for_each(Open::close);
        self.changed.notify_all();
    }

    pub(super) fn close_share(&self, share: u64) {
        self.change(|rules| {
            let Rules { open, random, .. } = rules;
            let hit = open.values().filter(|_| random.below(share) == 0);
            hit.for_each(Open::close);
        });
    }

    pub(super) fn is_over(&self) -> bool {
        self.rules().is_over
    }

    pub(super) fn is_passable(&self) -> bool {
        !self.rules().is_cut
    }

    pub(super) fn hits(&self) -> u64 {
        self.rules().hits
    }

    pub(super) fn enter(&self, ends: [TcpStream; 2]) -> u64 {
        let mut rules = self.rules();
        let id = rules.next;
        rules.next += 1;
        let is_broken = false;
        rules.open.insert(id, Open { ends, is_broken });
        id
    }

    pub(super) fn leave(&self, id: u64) {
        if let Some(open) = self.rules().open.remove(&id) {
            open.close();
        }
    }

    /// Waits while requests of this kind are held, then says what becomes of this one.
    pub(super) fn request(&self, id: u64, kind: i16) -> (Fate, Slow) {
        let mut rules = self.rules();
        if rules.held.contains(&kind) {
            rules.hits += 1;
        }
        while rules.held.contains(&kind) && !rules.is_over {
            rules = self
                .changed
                .wait(rules)
                .expect("no one panics with the rules");
        }
        let fate = match rules.damaging.get_mut(&kind) {
            Some(left) if *left > 0 => {
                *left -= 1;
                rules.hits += 1;
                Fate::Damage
            }
            _ => rules.passage(id, Way::Requests),
        };
        (fate, rules.slow)
    }

    /// What becomes of the response to a request of this kind.
    pub(super) fn response(&self, id: u64, kind: i16) -> (Fate, Slow) {
        let mut rules = self.rules();
        let fate = match rules.losing.get_mut(&kind) {
            Some(left) if *left > 0 => {
                *left -= 1;
                rules.hits += 1;
                Fate::Reset
            }
            _ => rules.passage(id, Way::Responses),
        };
        (fate, rules.slow)
    }
}

impl Rules {
    fn passage(&mut self, id: u64, way: Way) -> Fate {
        if self.vanishing == Some(way) {
            self.hits += 1;
            if let Some(open) = self.open.get_mut(&id) {
                open.is_broken = true;
            }
            return Fate::Vanish;
        }
        let odds = self.slow.reset_one_in;
        if odds > 0 && self.random.below(odds) == 0 {
            self.hits += 1;
            return Fate::Reset;
        }
        Fate::Pass
    }
}

impl Open {
    fn close(&self) {
        for end in &self.ends {
            end.shutdown(Shutdown::Both).ok(); // it may have been closed by its owner
        }
    }
}
