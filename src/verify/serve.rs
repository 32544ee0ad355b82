//! HTTP of `verify --watch`: `/livez`, `/metrics`, and `/api/v1/verify` with every partition.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use tokio::net::TcpListener;

use super::watch::Watched;
use crate::metrics;

/// Serves until the process ends.
///
/// # Errors
/// The listener fails.
pub async fn serve(listener: TcpListener, watched: Watched) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/livez", get(async || "ok"))
        .route("/metrics", get(metrics_page))
        .route(
            "/api/v1/verify",
            get(async |State(watched): State<Watched>| Json(watched.state())),
        )
        .with_state(watched);
    axum::serve(listener, routes).await
}

async fn metrics_page(State(watched): State<Watched>) -> impl IntoResponse {
    match metrics::encode_watched(watched.state()) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => error.to_string().into_response(),
    }
}
