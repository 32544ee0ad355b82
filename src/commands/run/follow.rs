//! Following: a new file, or a new revision at home, becomes what runs; only what differs is touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;

use tokio::sync::mpsc::{Receiver, channel};

use super::{Args, unknown, wanted};
use crate::exit::Failure;
use crate::fleet::{Fleet, Reloaded};
use crate::http::{About, AboutNow};
use crate::load::{self, Checked};
use crate::origin::{LOOK_INTERVAL, Origin};
use crate::report;

/// Looks for news in a thread of its own, and takes them over.
pub(super) struct Follower {
    news: Receiver<Checked>,
    /// Who looks; a run to catch up has nobody.
    watcher: Option<Thread>,
    wants_look: Arc<AtomicBool>,
    about: Arc<AboutNow>,
    args: Arc<Args>,
}

impl Follower {
    /// Begins to look. A run to catch up keeps what it began with.
    ///
    /// # Errors
    /// No thread is left.
    pub(super) fn new(origin: Origin, about: Arc<AboutNow>, args: Args) -> Result<Self, Failure> {
        let (sender, news) = channel(1);
        let wants_look = Arc::new(AtomicBool::new(false));
        let mut watcher = None;
        if !args.once {
            let (mut origin, wants_look) = (origin, wants_look.clone());
            let watch = move || {
                while !sender.is_closed() {
                    std::thread::park_timeout(LOOK_INTERVAL);
                    let found = if wants_look.swap(false, Ordering::AcqRel) {
                        origin.again().inspect_err(refuse).ok()
                    } else {
                        origin.changed()
                    };
                    if let Some(checked) = found
                        && sender.blocking_send(checked).is_err()
                    {
                        return;
                    }
                }
            };
            let started = std::thread::Builder::new()
                .name("origin".to_owned())
                .spawn(watch)
                .map_err(Failure::cannot_start)?;
            watcher = Some(started.thread().clone());
        }
        Ok(Self {
            news,
            watcher,
            wants_look,
            about,
            args: Arc::new(args),
        })
    }

    /// Somebody asks to look at it now, changed or not.
    pub(super) fn look_again(&self) {
        tracing::info!("Looking at the topology again, by SIGHUP.");
        self.wants_look.store(true, Ordering::Release);
        if let Some(watcher) = &self.watcher {
            watcher.unpark();
        }
    }

    /// The next topology that is not what runs.
    pub(super) async fn next(&mut self) -> Option<Checked> {
        self.news.recv().await
    }

    /// Makes a topology what runs, or refuses it loudly; then what runs goes on.
    pub(super) async fn take_over(&self, fleet: &Arc<Fleet>, checked: Checked) {
        let (fleet, about, args) = (fleet.clone(), self.about.clone(), self.args.clone());
        let work = move || reload(&fleet, &about, &args, &checked);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(done)) => tell(&done),
            Ok(Err(failure)) => refuse(&failure),
            Err(error) => tracing::error!("The reload ended by a panic, a bug: {error}."),
        }
    }
}

fn reload(
    fleet: &Fleet,
    about: &AboutNow,
    args: &Args,
    checked: &Checked,
) -> Result<Reloaded, Failure> {
    let now = about.get();
    let topology = load::proved(checked)?;
    if topology.name() != now.topology {
        return Err(Failure::cannot_start(anyhow::anyhow!(
            "{} runs, and {} is another topology: start another process for it",
            now.topology,
            topology.name()
        )));
    }
    // What is gone must not go on here, even if it was all that ran.
    for gone in unknown(&topology, args) {
        tracing::warn!("The new topology has {gone}.");
    }
    let edges = wanted(&topology, args);
    if edges.is_empty() {
        tracing::warn!(
            "The new topology has no enabled edge that is to run here: nothing is copied."
        );
    }
    let done = fleet
        .reload(&topology, &edges)
        .map_err(Failure::CannotStart)?;
    let findings = report::json(checked)["findings"].take();
    about.set(About::new(&topology, &now.instance, findings));
    Ok(done)
}

fn tell(done: &Reloaded) {
    let Reloaded {
        added,
        changed,
        removed,
        untouched,
    } = done;
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    tracing::info!(
        "The topology was reloaded: edges added: {}; changed: {}; removed: {}; untouched: {untouched}.",
        list(added),
        list(changed),
        list(removed)
    );
}

/// Findings have been told where they were found.
fn refuse(failure: &Failure) {
    let why = match failure {
        Failure::Findings => "it has errors".to_owned(),
        Failure::CannotStart(error) | Failure::Cluster(error) => format!("{error:#}"),
    };
    tracing::error!("The new topology is refused: {why}. What runs goes on as it was.");
}
