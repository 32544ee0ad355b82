//! An allocator that knows how much is taken, and how much at most ever was.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe; it hands everything on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static TAKEN: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
pub(crate) struct Counted;

impl Counted {
    /// Forgets what was taken before and given back since.
    #[allow(dead_code, reason = "not everybody who counts has something to forget")]
    pub(crate) fn forget(&self) {
        MOST.store(TAKEN.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Most bytes that were taken at once since then.
    pub(crate) fn most(&self) -> usize {
        MOST.load(Ordering::Relaxed)
    }
}

// SAFETY: every call is the system allocator's own.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let taken = TAKEN.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(taken, Ordering::Relaxed);
        // SAFETY: as promised to us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as promised to us.
        unsafe { System.dealloc(at, layout) }
    }
}
