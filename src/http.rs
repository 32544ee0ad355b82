//! HTTP of a running process.
//!
//! * `GET /livez`: 200 while the process lives
//! * `GET /readyz`: 503 until every edge's members have joined their groups
//! * `GET /alarmz`: 503 while an edge is in alarm, with the edges
//! * `GET /metrics`: OpenMetrics
//! * `GET /api/v1/status`: every edge, with its partitions
//! * `GET /api/v1/topology`: what runs here: clusters, edges, findings of the file
//! * `GET /api/v1/events`: what happened lately
//! * `GET /api/v1/live`: every edge each second, as server-sent events
//! * `GET /api/v1/edges/{name}` and `/history`: one edge, and its last hour
//! * `POST /api/v1/edges/{name}/pause` and `/resume`: with `Authorization: Bearer` when
//!   `CROSSDOCK_TOKEN` is set; refused on other than loopback addresses when it is not
//! * `GET /`: the dashboard

mod authorize;
mod dashboard;
mod live;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use crossdock_model::expect::Health;
use crossdock_model::topology::Topology;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::metrics::{self, Detail};
use crate::monitor::Monitor;
use authorize::Guard;

/// What is served.
#[derive(Clone)]
pub struct Serving {
    /// What is shown.
    pub monitor: Arc<Monitor>,
    /// Of what.
    pub about: Arc<AboutNow>,
    /// How much the metrics tell.
    pub detail: Detail,
}

/// What runs in this process.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Name of the topology.
    pub topology: String,
    /// Name of this process.
    pub instance: String,
    /// Version of crossdock.
    pub version: &'static str,
    /// Aliases of the clusters, in the file's order.
    pub clusters: Vec<String>,
    /// What `validate` says of the file.
    pub findings: Value,
}

impl About {
    /// A topology as it runs here.
    pub fn new(topology: &Topology, instance: &str, findings: Value) -> Self {
        let aliases = topology.clusters().iter().map(|c| c.alias.to_string());
        Self {
            topology: topology.name().to_owned(),
            instance: instance.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            clusters: aliases.collect(),
            findings,
        }
    }
}

/// What runs in this process now: a reload puts another one in its place.
pub struct AboutNow(RwLock<Arc<About>>);

impl AboutNow {
    /// What runs to begin with.
    pub fn new(about: About) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(about))))
    }

    /// What runs now.
    pub fn get(&self) -> Arc<About> {
        let now = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now)
    }

    /// Something else runs from now on.
    pub fn set(&self, about: About) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(about);
    }
}

/// What the handlers share.
#[derive(Clone)]
struct Server {
    monitor: Arc<Monitor>,
    about: Arc<AboutNow>,
    detail: Detail,
    guard: Guard,
    seats: Arc<Semaphore>,
}

/// Serves until the listener is dropped.
///
/// # Errors
/// The listener fails.
pub async fn serve(listener: TcpListener, serving: Serving) -> std::io::Result<()> {
    let is_loopback = listener
        .local_addr()
        .is_ok_and(|addr: SocketAddr| addr.ip().is_loopback());
    let server = Server {
        monitor: serving.monitor,
        about: serving.about,
        detail: serving.detail,
        guard: Guard::new(is_loopback),
        seats: live::seats(),
    };
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/alarmz", get(alarmz))
        .route("/metrics", get(metrics_page))
        .route("/api/v1/status", get(status))
        .route("/api/v1/topology", get(topology))
        .route("/api/v1/events", get(events))
        .route("/api/v1/live", get(live::live))
        .route("/api/v1/edges/{name}", get(edge))
        .route("/api/v1/edges/{name}/history", get(history))
        .route("/api/v1/edges/{name}/pause", post(pause))
        .route("/api/v1/edges/{name}/resume", post(resume))
        .merge(dashboard::routes())
        .with_state(server);
    axum::serve(listener, router).await
}

async fn readyz(State(server): State<Server>) -> (StatusCode, String) {
    let edges = server.monitor.fleet.snapshot().into_iter();
    let waiting: Vec<_> = edges.filter(|e| !e.is_ready).map(|e| e.name).collect();
    match waiting.is_empty() {
        true => (StatusCode::OK, "ready\n".to_owned()),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for {}\n", waiting.join(", ")),
        ),
    }
}

async fn alarmz(State(server): State<Server>) -> (StatusCode, String) {
    let alarms: String = server
        .monitor
        .edges()
        .iter()
        .filter(|view| view.health == Health::Alarm)
        .map(|view| format!("{}: {}\n", view.edge.name, view.concerns.join("; ")))
        .collect();
    match alarms.is_empty() {
        true => (StatusCode::OK, "no alarm\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, alarms),
    }
}

async fn metrics_page(State(server): State<Server>) -> Response {
    match metrics::encode(server.monitor.edges(), server.detail) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn status(State(server): State<Server>) -> Json<Value> {
    Json(json!({ "instance": server.about.get().instance, "edges": server.monitor.edges() }))
}

async fn topology(State(server): State<Server>) -> Json<Value> {
    let edges: Vec<_> = server
        .monitor
        .fleet
        .snapshot()
        .into_iter()
        .map(|e| json!({ "name": e.name, "source": e.source, "target": e.target }))
        .collect();
    let mut about = json!(*server.about.get());
    about["edges"] = json!(edges);
    about["wants_token"] = json!(server.guard.wants_token());
    Json(about)
}

async fn events(State(server): State<Server>) -> Json<Value> {
    Json(json!(server.monitor.events()))
}

async fn edge(State(server): State<Server>, Path(name): Path<String>) -> Response {
    let mut edges = server.monitor.edges().into_iter();
    match edges.find(|view| view.edge.name == name) {
        Some(view) => {
            let group = format!("crossdock.{}.{name}", server.about.get().topology);
            let mut view = json!(view);
            view["group"] = json!(group);
            Json(view).into_response()
        }
        None => no_edge(&name),
    }
}

async fn history(State(server): State<Server>, Path(name): Path<String>) -> Response {
    match server.monitor.history(&name) {
        Some(points) => Json(points).into_response(),
        None => no_edge(&name),
    }
}

fn no_edge(name: &str) -> Response {
    (
        StatusCode::NOT_FOUND,
        format!("no edge `{name}` runs here\n"),
    )
        .into_response()
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
    if let Err(refusal) = server.guard.check(headers) {
        return refusal.into_response();
    }
    let word = if is_paused { "paused" } else { "resumed" };
    if !server.monitor.fleet.pause(edge, is_paused) {
        return no_edge(edge);
    }
    tracing::info!(edge, "The edge was {word} by request.");
    (StatusCode::OK, format!("{edge} {word}\n")).into_response()
}
