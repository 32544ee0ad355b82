//! Hash maps for the keys of automata: short, and made by the million. Who writes the file is no attacker,
//! and two runs must not differ.

use foldhash::fast::FixedState;

/// A map with one hash for all.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, FixedState>;
