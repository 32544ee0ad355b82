//! The fuzzer's corpus, shipped topologies damaged at random from a printed seed, and texts too large to be
//! kept: every one is read and checked to the end, in bounded memory, and every finding has a place inside
//! the text. `SEED=… cargo test --test mutations` repeats a run.

#[path = "support/any.rs"]
mod any;
#[path = "support/memory.rs"]
mod memory;

use std::panic::catch_unwind;

use any::read_and_check;

#[global_allocator]
static MEMORY: memory::Counted = memory::Counted;

/// Most memory that any of these may take, in bytes.
const MEMORY_MAX: usize = 500 << 20;

/// So many damaged files; a second or two.
const FILES: u64 = 1_000;

/// What is put in, or in the place of something: what people slip into, and what parsers fear.
const PIECES: &[&str] = &[
    "\t",
    "\r\n",
    "\n",
    " ",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "|",
    ">",
    "%",
    "@",
    "`",
    "\0",
    "\u{feff}",
    "北京",
    "é",
    "${",
    "${X}",
    "${X:-y}",
    "$1",
    "{topic}",
    "{source}",
    ".*",
    "(",
    ")",
    "(?!",
    "\\1",
    "{1000}",
    "x|y",
    "__",
    "true",
    "null",
    "~",
    "-1",
    "99999999999999999999",
    "---\n",
    "...\n",
    "? ",
    "rename: suffix",
    "provenance: false",
    "both_ways: true",
    "forward: local",
    "merge: true",
    "from: ",
    "to: ",
    "[bj, sh, sz]",
];

/// Numbers that look random, the same for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % bound.max(1)
    }
}

fn shipped() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../topologies");
    let entries = std::fs::read_dir(folder).expect("topologies");
    let mut paths: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let texts = paths.iter().map(std::fs::read_to_string);
    texts.map(|text| text.expect("text")).collect()
}

/// One to four things done to a text: taken out, put in, doubled, exchanged.
fn damage(random: &mut Random, texts: &[String]) -> String {
    let mut chars: Vec<char> = texts[random.below(texts.len())].chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(chars.len());
        let end = (at + random.below(12)).min(chars.len());
        let piece = PIECES[random.below(PIECES.len())];
        match random.below(5) {
            0 => drop(chars.drain(at..end)),
            1 => drop(chars.splice(at..at, piece.chars())),
            2 => drop(chars.splice(at..end, piece.chars())),
            3 => {
                let again = chars[at..end].to_vec();
                chars.splice(at..at, again);
            }
            _ => {
                let other: Vec<_> = texts[random.below(texts.len())].chars().collect();
                let start = random.below(other.len());
                let stop = (start + random.below(80)).min(other.len());
                chars.splice(at..end, other[start..stop].iter().copied());
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn damaged_topologies_are_read_to_the_end() {
    let asked = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = asked.unwrap_or(20_261_122);
    println!("SEED={seed}");
    let texts = shipped();
    for number in 0..FILES {
        let text = damage(&mut Random(seed.wrapping_add(number)), &texts);
        if catch_unwind(|| read_and_check(text.as_bytes())).is_err() {
            panic!("file {number} of SEED={seed}:\n{text}");
        }
    }
    assert_bounded();
}

#[test]
fn the_corpus_of_the_fuzzer_is_read_to_the_end() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/topology");
    let entries = std::fs::read_dir(folder).expect("a corpus");
    let mut paths: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    for path in &paths {
        let bytes = std::fs::read(path).expect("bytes");
        if catch_unwind(|| read_and_check(&bytes)).is_err() {
            panic!("{}", path.display());
        }
        // Each of them cut off, and with a byte turned over.
        for at in (0..bytes.len()).step_by(bytes.len() / 8 + 1) {
            read_and_check(&bytes[..at]);
            let mut turned = bytes.clone();
            turned[at] ^= 0x55;
            read_and_check(&turned);
        }
    }
    println!("{} files", paths.len());
    assert_bounded();
}

#[test]
fn texts_of_ten_megabytes_are_bounded() {
    let ten = if cfg!(debug_assertions) { 1 } else { 10 } << 20;
    let head =
        "topology: t\nclusters: { a: { bootstrap.servers: a1 }, b: { bootstrap.servers: b1 } }\n";
    let texts = [
        format!("topology: {}\n", "x".repeat(ten)),
        format!("topology: \"{}\"\n", "北".repeat(ten / 3)),
        format!(
            "{head}edges: [{{ from: a, to: b, topics: {} }}]\n",
            "a|".repeat(ten / 2)
        ),
        format!(
            "{head}edges: [{{ from: a, to: b, topics: '{}' }}]\n",
            "${A:-x}".repeat(ten / 7)
        ),
        "[".repeat(ten),
        "\0".repeat(ten),
        "\n".repeat(ten),
        "a: b\n".repeat(ten / 5),
    ];
    for text in texts {
        read_and_check(text.as_bytes());
    }
    assert_bounded();
}

#[allow(clippy::print_stdout, reason = "a test says what it found")]
fn assert_bounded() {
    let most = MEMORY.most();
    println!("at most {} MiB", most >> 20);
    assert!(most < MEMORY_MAX, "{} MiB", most >> 20);
}
