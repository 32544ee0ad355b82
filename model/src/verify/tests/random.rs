//! Clean pairs of random shape, one mutation each: that kind fires, and no other.

use super::*;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Gaps as of markers and aborted records, records left out, others' records in between.
fn clean(random: &mut Random) -> Pair {
    let mut pair = Pair::default();
    let (mut source, mut target) = (0, 0);
    for _ in 0..200 + random.below(400) {
        source += 1 + i64::from(random.below(10) == 0);
        target += 1 + i64::from(random.below(15) == 0);
        let mut born = record(source);
        if random.below(12) == 0 {
            born.fate = Fate::Left(Excuse::Loop);
        } else {
            pair.target.push(copy(&born, target));
        }
        pair.source.push(born);
        if random.below(9) == 0 {
            target += 1;
            pair.target.push(TargetRecord {
                birth: Birth::Other,
                ..named(target, source)
            });
        }
    }
    pair
}

fn copies(pair: &Pair) -> Vec<usize> {
    let is_ours = |at: &usize| matches!(pair.target[*at].birth, Birth::Ours { .. });
    (0..pair.target.len()).filter(is_ours).collect()
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
fn one_mutation_fires_its_kind_and_no_other() {
    let mut fired = [0; 5];
    for seed in 1..=2_000 {
        let mut random = Random(seed * 0x9e37_79b9);
        let mut pair = clean(&mut random);
        assert!(pair.row().is_equal(), "seed {seed}: {:?}", pair.row());
        let copies = copies(&pair);
        let place = random.below(copies.len() - 1);
        let (at, next) = (copies[place], copies[place + 1]);
        let Birth::Ours { source, .. } = pair.target[at].birth else {
            continue;
        };
        let kind = Kind::ALL[random.below(5)];
        match kind {
            Kind::Missing => drop(pair.target.remove(at)),
            Kind::Duplicated => {
                let again = at + 1 + random.below(pair.target.len() - at);
                pair.target.insert(again, pair.target[at]);
            }
            Kind::Reordered => {
                let (a, b) = (pair.target[at], pair.target[next]);
                (pair.target[at].birth, pair.target[at].digest) = (b.birth, b.digest);
                (pair.target[next].birth, pair.target[next].digest) = (a.birth, a.digest);
            }
            Kind::Altered => pair.target[at].digest = digest("k", "tampered", source),
            Kind::Unexpected => {
                // Of a record that was not to be copied, or of none at all.
                let taken: Vec<i64> = pair
                    .source
                    .iter()
                    .filter(|r| r.fate == Fate::Copied)
                    .map(|r| r.offset)
                    .collect();
                let free: Vec<i64> = (0..source + 500).filter(|o| !taken.contains(o)).collect();
                let forged = named(0, free[random.below(free.len())]);
                pair.target.insert(random.below(pair.target.len()), forged);
            }
        }
        let row = pair.row();
        let should = Kind::ALL.map(|k| u64::from(k == kind));
        assert_eq!(counts(&row), should, "seed {seed}: {row:?}");
        fired[kind as usize] += 1;
    }
    eprintln!("2,000 mutations, seeds 1 to 2,000, by kind: {fired:?}");
    assert!(fired.iter().all(|n| *n > 300));
}

#[test]
fn stretches_of_a_sample_lie_apart_and_within() {
    let sample: Sample = "1%".parse().expect("a share");
    for (from, to) in [(0, 100), (50, 1_000_000), (7, 123_456_789)] {
        for seed in 0..20 {
            let stretches = stretches((from, to), sample, seed);
            let mut before = from;
            for (begin, end) in &stretches {
                assert!(*begin >= before && end > begin && *end <= to);
                before = *end;
            }
            assert_eq!(before, to, "the newest records are always among them");
            let read: i64 = stretches.iter().map(|(a, b)| b - a).sum();
            assert!(read as f64 >= (to - from) as f64 * 0.0099);
            assert!(read <= (to - from) / 50 + 2_000);
        }
    }
    assert_eq!(sample.may_hide(), 298);
    for wrong in ["1", "0%", "101%", "x%", "-1%"] {
        assert!(wrong.parse::<Sample>().is_err(), "{wrong}");
    }
}
