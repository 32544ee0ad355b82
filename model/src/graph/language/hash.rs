//! Hash maps for the keys of automata: short, made by the million, and harmless where they meet.

use std::hash::{BuildHasherDefault, Hasher};

/// A map that hashes with [`Short`].
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Short>>;

/// One multiplication a word.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Short(u64);

impl Short {
    fn add(&mut self, word: u64) {
        self.0 = self
            .0
            .wrapping_add(word)
            .wrapping_mul(0xF135_7AEA_2E62_A9C5);
    }
}

impl Hasher for Short {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.add(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.add(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.add(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.add(word as u64);
    }

    fn finish(&self) -> u64 {
        // The upper bits are the well mixed ones, the table looks at the lower.
        self.0.rotate_left(26)
    }
}
