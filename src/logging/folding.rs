//! Folding: a warning that has just been said is counted, and said again after a while with its count.
//!
//! Warnings only: they come from what is tried again and again. Information says what was done, perhaps
//! by a person, and an error what a person must do: whoever asks twice is answered twice.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What was said within this time is not said again.
const QUIET: Duration = Duration::from_secs(30);

/// Events that are remembered; when there are more, all but the recent ones are forgotten.
const REMEMBERED_MAX: usize = 256;

/// Formats events, leaving out those that have just been said.
pub(super) struct Folding<F> {
    format: F,
    is_json: bool,
    said: Mutex<Said>,
}

impl<F> Folding<F> {
    pub(super) fn text(format: F) -> Self {
        Self {
            format,
            is_json: false,
            said: Mutex::default(),
        }
    }

    pub(super) fn json(format: F) -> Self {
        Self {
            is_json: true,
            ..Self::text(format)
        }
    }
}

impl<F> Folding<F> {
    fn again(&self, event: &Event<'_>) -> Option<u64> {
        let mut key = Key::default();
        event.record(&mut key);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.again(key.0, Instant::now())
    }
}

impl<S, N, F> FormatEvent<S, N> for Folding<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let folded = match *event.metadata().level() {
            Level::WARN => self.again(event),
            _ => Some(0),
        };
        let Some(folded) = folded else {
            return Ok(());
        };
        if folded == 0 {
            return self.format.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.format
            .format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end();
        match line.strip_suffix('}') {
            Some(object) if self.is_json => writeln!(writer, "{object},\"folded\":{folded}}}"),
            _ => writeln!(writer, "{line} (and {folded} times more before)"),
        }
    }
}

/// What has been said, when, and how often it was left out since.
#[derive(Default)]
struct Said(HashMap<String, (Instant, u64)>);

impl Said {
    /// How often it was left out since it was last said; `None` where it is left out again.
    fn again(&mut self, key: String, now: Instant) -> Option<u64> {
        if self.0.len() >= REMEMBERED_MAX {
            self.0.retain(|_, (at, _)| now.duration_since(*at) < QUIET);
        }
        if self.0.len() >= REMEMBERED_MAX {
            self.0.clear();
        }
        match self.0.get_mut(&key) {
            Some((at, folded)) if now.duration_since(*at) < QUIET => {
                *folded += 1;
                None
            }
            Some((at, folded)) => {
                *at = now;
                Some(std::mem::take(folded))
            }
            None => {
                self.0.insert(key, (now, 0));
                Some(0)
            }
        }
    }
}

/// What a warning says, without how long the next try waits.
#[derive(Default)]
struct Key(String);

impl Visit for Key {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = format!("{value:?}");
        if let Some(at) = text.find("; next try in") {
            text.truncate(at);
        }
        // Writing into a string does not fail.
        write!(self.0, "|{}={text}", field.name()).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tracing_subscriber::fmt::format::Format;

    use super::*;

    #[test]
    fn what_was_just_said_is_counted_and_said_again_later() {
        let mut said = Said::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        for (key, second, wanted) in [
            ("a", 0, Some(0)),
            ("a", 1, None),
            ("b", 1, Some(0)),
            ("a", 29, None),
            ("a", 30, Some(2)),
            ("a", 59, None),
            ("a", 200, Some(1)),
            ("a", 400, Some(0)),
        ] {
            assert_eq!(
                said.again(key.to_owned(), at(second)),
                wanted,
                "{key} at {second}"
            );
        }
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn text(&self) -> String {
            let bytes = self.0.lock().expect("nobody panics").clone();
            String::from_utf8(bytes).expect("lines are text")
        }
    }

    /// A warning that was left out three times, and has not been said for long.
    fn kept_quiet<F>(folding: Folding<F>) -> Folding<F> {
        let long_ago = Instant::now().checked_sub(QUIET * 2);
        let long_ago = long_ago.expect("the machine runs for a minute");
        let said = Said(HashMap::from([(
            "|message=tried again".to_owned(),
            (long_ago, 3),
        )]));
        Folding {
            said: Mutex::new(said),
            ..folding
        }
    }

    #[test]
    fn what_was_left_out_is_counted_in_words_and_in_json() {
        let text = Lines::default();
        let writer = text.clone();
        let format = Format::default().with_ansi(false).without_time();
        let logger = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .event_format(kept_quiet(Folding::text(format)))
            .finish();
        let warn = || tracing::warn!("tried again; next try in 3s");
        tracing::subscriber::with_default(logger, warn);
        let text = text.text();
        assert!(
            text.ends_with("tried again; next try in 3s (and 3 times more before)\n"),
            "{text}"
        );

        let json = Lines::default();
        let writer = json.clone();
        let format = Format::default().json().flatten_event(true);
        let logger = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
            .event_format(kept_quiet(Folding::json(format)))
            .finish();
        tracing::subscriber::with_default(logger, warn);
        let line: serde_json::Value = serde_json::from_str(&json.text()).expect("it is JSON");
        assert_eq!(line["folded"], 3, "{line}");
        assert_eq!(line["message"], "tried again; next try in 3s");
    }

    #[test]
    fn only_warnings_are_folded() {
        let lines = Lines::default();
        let writer = lines.clone();
        let logger = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .event_format(Folding::text(Format::default().with_ansi(false)))
            .finish();
        tracing::subscriber::with_default(logger, || {
            for _ in 0..3 {
                tracing::warn!("tried again");
                tracing::info!("the topology was reloaded");
                tracing::error!("the new topology is refused");
            }
        });
        let text = lines.text();
        let count = |words: &str| text.matches(words).count();
        assert_eq!(
            (
                count("tried again"),
                count("was reloaded"),
                count("is refused")
            ),
            (1, 3, 3),
            "{text}"
        );
    }

    #[test]
    fn it_remembers_only_so_much() {
        let mut said = Said::default();
        let now = Instant::now();
        for number in 0..10_000 {
            assert_eq!(said.again(number.to_string(), now), Some(0));
        }
        assert!(said.0.len() <= REMEMBERED_MAX);
    }
}
