//! Live: the state of all edges, sent every second as long as somebody looks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};

use super::Server;
use crate::worker;

/// Between two messages.
const INTERVAL: Duration = Duration::from_secs(1);

/// Viewers at one time; each costs one message a second.
const VIEWERS_MAX: usize = 64;

/// Seats for viewers.
pub(super) fn seats() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(VIEWERS_MAX))
}

pub(super) async fn live(State(server): State<Server>) -> Response {
    let Ok(seat) = server.seats.clone().try_acquire_owned() else {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{VIEWERS_MAX} viewers are watching already\n"),
        )
            .into_response();
    };
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let messages = stream::unfold((server, ticks, seat), |(server, mut ticks, seat)| async {
        ticks.tick().await;
        let message = Event::default()
            .event("status")
            .data(now(&server).to_string());
        Some((Ok::<_, Infallible>(message), (server, ticks, seat)))
    });
    Sse::new(messages)
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// All edges without their partitions, which may be many.
fn now(server: &Server) -> Value {
    let mut edges = server.monitor.edges();
    let edges: Vec<Value> = edges
        .iter_mut()
        .map(|view| {
            let partitions = std::mem::take(&mut view.edge.partitions);
            let halted = |p: &&worker::PartitionSnapshot| p.state == worker::State::Halted;
            let halted = partitions.iter().filter(halted).count();
            let mut value = json!(view);
            value["partitions"] = json!({ "held": partitions.len(), "halted": halted });
            value
        })
        .collect();
    json!({ "edges": edges, "events": server.monitor.events() })
}
