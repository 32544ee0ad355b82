//! HTTP of a running process.
//!
//! * `GET /livez`: 200 while the process lives
//! * `GET /readyz`: 503 until every edge's members have joined their groups
//! * `GET /metrics`: OpenMetrics
//! * `GET /api/v1/status`: every edge, with its partitions
//! * `GET /api/v1/topology`: the edges that run here
//! * `POST /api/v1/edges/{name}/pause` and `/resume`: with `Authorization: Bearer` when
//!   `CROSSDOCK_TOKEN` is set; refused on other than loopback addresses when it is not

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;

use crate::fleet::Fleet;
use crate::metrics;

/// What the handlers share.
#[derive(Clone)]
struct Server {
    fleet: Arc<Fleet>,
    instance: Arc<str>,
    token: Option<Arc<str>>,
    is_loopback: bool,
}

/// Serves until the listener is dropped.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    fleet: Arc<Fleet>,
    instance: &str,
) -> std::io::Result<()> {
    let is_loopback = listener
        .local_addr()
        .is_ok_and(|addr: SocketAddr| addr.ip().is_loopback());
    let token = std::env::var("CROSSDOCK_TOKEN")
        .ok()
        .filter(|t| !t.is_empty())
        .map(Arc::from);
    let server = Server {
        fleet,
        instance: instance.into(),
        token,
        is_loopback,
    };
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_page))
        .route("/api/v1/status", get(status))
        .route("/api/v1/topology", get(topology))
        .route("/api/v1/edges/{name}/pause", post(pause))
        .route("/api/v1/edges/{name}/resume", post(resume))
        .with_state(server);
    axum::serve(listener, router).await
}

async fn readyz(State(server): State<Server>) -> (StatusCode, String) {
    let waiting: Vec<_> = server
        .fleet
        .snapshot()
        .into_iter()
        .filter(|e| !e.is_ready)
        .map(|e| e.name)
        .collect();
    match waiting.is_empty() {
        true => (StatusCode::OK, "ready\n".to_owned()),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for {}\n", waiting.join(", ")),
        ),
    }
}

async fn metrics_page(State(server): State<Server>) -> Response {
    match metrics::encode(&server.fleet.snapshot()) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn status(State(server): State<Server>) -> Json<serde_json::Value> {
    Json(json!({ "instance": &*server.instance, "edges": server.fleet.snapshot() }))
}

async fn topology(State(server): State<Server>) -> Json<serde_json::Value> {
    let edges: Vec<_> = server
        .fleet
        .snapshot()
        .into_iter()
        .map(|e| json!({ "name": e.name, "source": e.source, "target": e.target }))
        .collect();
    Json(json!({ "edges": edges }))
}

async fn pause(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    set_paused(&server, &name, &headers, true)
}

async fn resume(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    set_paused(&server, &name, &headers, false)
}

fn set_paused(server: &Server, edge: &str, headers: &HeaderMap, is_paused: bool) -> Response {
    if let Err(refusal) = authorize(server, headers) {
        return refusal.into_response();
    }
    let word = if is_paused { "paused" } else { "resumed" };
    if !server.fleet.pause(edge, is_paused) {
        return (
            StatusCode::NOT_FOUND,
            format!("no edge `{edge}` runs here\n"),
        )
            .into_response();
    }
    tracing::info!(edge, "The edge was {word} by request.");
    (StatusCode::OK, format!("{edge} {word}\n")).into_response()
}

fn authorize(server: &Server, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let Some(token) = &server.token else {
        return match server.is_loopback {
            true => Ok(()),
            false => Err((
                StatusCode::FORBIDDEN,
                "set CROSSDOCK_TOKEN to allow this on other than loopback addresses\n",
            )),
        };
    };
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
    match given {
        Some(given) if is_same(given.as_bytes(), token.as_bytes()) => Ok(()),
        _ => Err((
            StatusCode::UNAUTHORIZED,
            "this needs `Authorization: Bearer` with the value of CROSSDOCK_TOKEN\n",
        )),
    }
}

/// Compares without telling by its time how much is right.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}
