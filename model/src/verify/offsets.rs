//! Sets of source offsets: runs in memory, bits where there are gaps.

use roaring::RoaringTreemap;

/// A set of offsets that mostly grows at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Offsets {
    set: RoaringTreemap,
    /// A run that is not yet in the set: from, and to before.
    open: Option<(u64, u64)>,
}

impl Offsets {
    /// Adds an offset.
    pub(super) fn insert(&mut self, offset: i64) {
        let Ok(offset) = u64::try_from(offset) else {
            return;
        };
        match &mut self.open {
            Some((_, to)) if *to == offset => *to += 1,
            _ => {
                self.close();
                self.open = Some((offset, offset + 1));
            }
        }
    }

    fn close(&mut self) {
        if let Some((from, to)) = self.open.take() {
            self.set.insert_range(from..to);
        }
    }

    /// Whether it is in.
    pub(super) fn contains(&self, offset: i64) -> bool {
        let Ok(offset) = u64::try_from(offset) else {
            return false;
        };
        let in_open = self
            .open
            .is_some_and(|(from, to)| (from..to).contains(&offset));
        in_open || self.set.contains(offset)
    }

    /// Takes an offset out, and tells whether it was in.
    pub(super) fn remove(&mut self, offset: i64) -> bool {
        self.close();
        u64::try_from(offset).is_ok_and(|offset| self.set.remove(offset))
    }

    /// Takes out what lies in a range, and tells how much that was.
    pub(super) fn remove_range(&mut self, from: i64, to: i64) -> u64 {
        self.close();
        let (from, to) = (from.max(0).cast_unsigned(), to.max(0).cast_unsigned());
        if from < to {
            self.set.remove_range(from..to)
        } else {
            0
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.set.len() + self.open.map_or(0, |(from, to)| to - from)
    }

    /// The offsets, in order.
    pub(super) fn iter(&mut self) -> impl Iterator<Item = i64> + '_ {
        self.close();
        self.set
            .iter()
            .filter_map(|offset| i64::try_from(offset).ok())
    }

    /// The runs of offsets next to each other: from, and to before.
    pub(super) fn runs(&mut self) -> Vec<(i64, i64)> {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for offset in self.iter() {
            match runs.last_mut() {
                Some((_, to)) if *to == offset => *to += 1,
                _ => runs.push((offset, offset + 1)),
            }
        }
        runs
    }

    /// Adds all of another set.
    pub(super) fn merge(&mut self, other: Self) {
        let mut other = other;
        self.close();
        other.close();
        self.set |= other.set;
    }

    /// Packs it for keeping.
    pub(super) fn pack(&mut self) {
        self.close();
        self.set.optimize();
    }
}
