//! Whole disasters in memory: two logs, an edge and its way home, a command that is killed at any step.

use super::{Begin, Done, Options, State, Step, Way, begin};

/// A record: where it was born, which one it is, and whether it has been on the other cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    born_home: bool,
    number: u32,
    was_there: bool,
}

/// Home and the cluster that takes over, one partition, the edge and its inverse.
#[derive(Default)]
struct World {
    home: Vec<Record>,
    away: Vec<Record>,
    /// How far the edge has copied home's log.
    over: usize,
    /// How far the inverse has copied the other one's.
    back: usize,
    is_fenced: bool,
    home_is_up: bool,
    next: u32,
}

impl World {
    fn write(&mut self, born_home: bool) {
        let record = Record {
            born_home,
            number: self.next,
            was_there: false,
        };
        self.next += 1;
        if born_home {
            self.home.push(record);
        } else {
            self.away.push(record);
        }
    }

    /// One record of the edge, by the record rule.
    fn copy_over(&mut self) {
        if self.is_fenced || !self.home_is_up {
            return;
        }
        if let Some(record) = self.home.get(self.over).copied() {
            if !record.was_there {
                self.away.push(Record {
                    was_there: true,
                    ..record
                });
            }
            self.over += 1;
        }
    }

    /// One record of the inverse edge, by the same rule.
    fn copy_back(&mut self) {
        if let Some(record) = self.away.get(self.back).copied() {
            if !record.was_there {
                self.home.push(Record {
                    was_there: true,
                    ..record
                });
            }
            self.back += 1;
        }
    }

    /// Does a step, or half of it where the command is killed in it.
    fn step(&mut self, step: Step, is_killed: bool) {
        let half = |all: usize| if is_killed { all / 2 } else { all };
        match step {
            Step::Fence => self.is_fenced = true,
            Step::Carry | Step::Rest => {
                for _ in 0..half(self.away.len() - self.back) {
                    self.copy_back();
                }
            }
            Step::Lift => self.is_fenced = false,
            Step::Settle => {
                for _ in 0..half(self.home.len() - self.over) {
                    self.copy_over();
                }
            }
            _ => {}
        }
    }

    fn numbers(log: &[Record]) -> Vec<u32> {
        log.iter().map(|r| r.number).collect()
    }

    fn assert_exact(&self, what: &str) {
        for log in [&self.home, &self.away] {
            let mut all = Self::numbers(log);
            all.sort_unstable();
            assert_eq!(
                all,
                (0..self.next).collect::<Vec<_>>(),
                "{what}: each once on both sides"
            );
            for born_home in [true, false] {
                let of = |r: &&Record| r.born_home == born_home;
                let order: Vec<u32> = log.iter().filter(of).map(|r| r.number).collect();
                assert!(order.is_sorted(), "{what}: in order");
            }
        }
    }
}

/// The command, killed in its `kill`-th step of all if that comes; `true` when it came to its end.
fn command(
    world: &mut World,
    kept: &mut Option<State>,
    wanted: State,
    kill: &mut Option<usize>,
) -> bool {
    let mut state = match begin(kept.clone(), wanted) {
        Begin::Fresh(state) | Begin::Resume(state) => state,
        Begin::Already(_) => return true,
        Begin::Refused(why) => panic!("{why}"),
    };
    while let Some(step) = state.next() {
        let is_killed = kill.as_ref() == Some(&0);
        *kill = kill.map(|left| left.wrapping_sub(1));
        world.step(step, is_killed);
        if is_killed {
            *kill = None;
            return false;
        }
        let done = Done {
            step,
            at_ms: 0,
            evidence: Vec::new(),
            findings: Vec::new(),
        };
        state.record(done).expect("it is the next step");
        state.written += 1;
        *kept = Some(state.clone());
    }
    true
}

fn wanted(way: Way) -> State {
    State::new("t", ("bj", "sh"), way, Options::default(), 0)
}

#[test]
fn killed_at_every_step_and_run_twice_every_record_is_on_both_sides_once() {
    let mut runs = 0;
    for kill in 0..60 {
        for seed in 1..=50u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut random = |below: u64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % below
            };
            let mut world = World {
                home_is_up: true,
                ..World::default()
            };
            let mut kept = None;
            let mut kill = Some(kill);
            for disaster in 0..2 {
                for _ in 0..40 {
                    match random(3) {
                        0 => world.write(true),
                        _ => world.copy_over(),
                    }
                }
                world.home_is_up = false;
                while !command(&mut world, &mut kept, wanted(Way::Failover), &mut kill) {}
                while !command(&mut world, &mut kept, wanted(Way::Failover), &mut kill) {}
                // Split brain: some still write to what was left.
                for _ in 0..20 {
                    world.write(random(4) == 0);
                }
                world.home_is_up = true;
                while !command(&mut world, &mut kept, wanted(Way::Failback), &mut kill) {}
                while !command(&mut world, &mut kept, wanted(Way::Failback), &mut kill) {}
                world.assert_exact(&format!("seed {seed}, disaster {disaster}"));
                runs += 1;
            }
        }
    }
    println!("{runs} failovers and failbacks: every record on both sides, once, in order");
}

#[test]
fn steps_are_recorded_in_their_order_only() {
    for way in [Way::Failover, Way::Failback] {
        for planned in [false, true] {
            let options = Options {
                planned,
                ..Options::default()
            };
            let mut state = State::new("t", ("bj", "sh"), way, options, 0);
            assert_eq!(
                state.steps().contains(&Step::Drain),
                planned && way == Way::Failover
            );
            while let Some(next) = state.next() {
                for step in state.steps() {
                    let done = Done {
                        step,
                        at_ms: 0,
                        evidence: Vec::new(),
                        findings: Vec::new(),
                    };
                    let recorded = state.clone().record(done);
                    assert_eq!(
                        recorded.is_ok(),
                        step == next,
                        "{step:?} where {next:?} is next"
                    );
                }
                let at_ms = 1;
                state.done.push(Done {
                    step: next,
                    at_ms,
                    evidence: vec![],
                    findings: vec![],
                });
            }
            assert!(state.is_finished());
        }
    }
}

/// A switch with so many of its steps done.
fn done(mut state: State, steps: usize) -> Option<State> {
    for step in state.steps().into_iter().take(steps) {
        state.done.push(Done {
            step,
            at_ms: 5,
            evidence: vec![],
            findings: vec![],
        });
    }
    Some(state)
}

#[test]
fn what_a_switch_becomes_after_the_last_one() {
    let with = |way, options| State::new("t", ("bj", "sh"), way, options, 0);
    let (over, back) = (|| wanted(Way::Failover), || wanted(Way::Failback));
    let for_good = Options {
        for_good: true,
        ..Options::default()
    };
    let rebuild = Options {
        rebuild: true,
        ..Options::default()
    };
    let good = || with(Way::Failover, for_good);
    let rebuilt = || with(Way::Failback, rebuild);
    let word = |b: Begin| match b {
        Begin::Fresh(_) => "fresh",
        Begin::Resume(_) => "resume",
        Begin::Already(_) => "already",
        Begin::Refused(_) => "refused",
    };
    let cases = [
        ("first", None, over(), "fresh"),
        ("killed", done(over(), 3), over(), "resume"),
        ("twice", done(over(), 9), over(), "already"),
        ("back", done(over(), 9), back(), "fresh"),
        ("back from half", done(over(), 3), back(), "fresh"),
        ("back, killed", done(back(), 4), back(), "resume"),
        ("back twice", done(back(), 99), back(), "fresh"),
        ("again", done(back(), 99), over(), "fresh"),
        ("home dies again", done(back(), 4), over(), "fresh"),
        ("for good", done(good(), 9), back(), "refused"),
        ("half rebuilt", done(rebuilt(), 4), back(), "refused"),
        ("rebuild goes on", done(rebuilt(), 4), rebuilt(), "resume"),
    ];
    for (what, last, wanted, should) in cases {
        assert_eq!(word(begin(last, wanted)), should, "{what}");
    }
}

#[test]
fn what_only_looks_is_looked_at_again() {
    let over = wanted(Way::Failover);
    let Begin::Resume(resumed) = begin(done(over.clone(), 3), over) else {
        panic!("it goes on");
    };
    assert_eq!(resumed.next(), Some(Step::Reach));
    assert!(resumed.done(Step::Fence).is_some(), "what was done is done");
}
