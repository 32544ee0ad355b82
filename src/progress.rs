//! Long work shows on a terminal how far it is, how fast, and how much time is left; elsewhere it is
//! quiet.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, WeakProgressBar};

/// Between two drawings.
const DRAWN_EVERY: Duration = Duration::from_millis(200);

/// The bar that is on the screen, if one is: there is one at a time.
static SHOWN: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// Writes to the terminal while no bar is in the way.
pub fn aside<T>(write: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    match shown.as_ref().and_then(WeakProgressBar::upgrade) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Some long work. Cheap to clone; every clone is the same work.
#[derive(Clone)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Work of `total` steps, shown on stderr if that is a terminal. `unit` is what a step is:
    /// `records`.
    pub fn new(what: &str, unit: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
        let template = format!(
            "{{msg}} {{wide_bar}} {{percent}}%  {{human_pos}} of {{human_len}} {unit}, {{per_sec}}, {{eta}} left"
        );
        // The template is ours: where it were wrong, the library's own one does.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(DRAWN_EVERY);
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
        Self(bar)
    }

    /// Nobody looks.
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Whether nobody sees it: figures need not be gathered.
    pub fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// There is more to do than was known.
    pub fn expect(&self, more: u64) {
        self.0.inc_length(more);
    }

    /// Some of it is done.
    pub fn add(&self, done: u64) {
        self.0.inc(done);
    }

    /// So much of it is done, of so much.
    pub fn set(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// It is done: the bar goes away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
