//! `verify --watch`: goes on until it is stopped, and serves what it has proved.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use crossdock_model::topology::Topology;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Failure, Outcome, Verdict};
use crate::verify::Options;
use crate::verify::serve::serve;
use crate::verify::watch::Watched;

/// Watches until a signal comes; something was found if anything was different.
///
/// # Errors
/// The address cannot be listened on.
pub(super) fn main(
    topology: Topology,
    options: Options,
    listen: SocketAddr,
    every: Duration,
) -> Outcome {
    let watched = Watched::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::CannotStart)?;
    let shared = watched.clone();
    runtime.block_on(async move {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::cannot_start)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::cannot_start)?;
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            Failure::cannot_start(anyhow!(error).context(format!(
                "cannot listen on {listen}; give another address with --listen"
            )))
        })?;
        let address = listener.local_addr().unwrap_or(listen);
        tracing::info!("Serving what is proved at http://{address}/metrics .");
        let looking = shared.clone();
        // It writes nothing, so that it may end with the process at any moment.
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || looking.run(&topology, &options, every))
            .map_err(Failure::cannot_start)?;
        tokio::select! {
            served = serve(listener, shared) => served.map_err(Failure::cannot_start),
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })?;
    runtime.shutdown_background();
    Ok(Verdict::found(!watched.is_equal()))
}
