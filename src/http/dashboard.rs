//! The dashboard: everything it is made of is in this binary, and nothing is fetched from elsewhere.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// The browser is told to take nothing from elsewhere either.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Path, content type and text of each part. Libraries are as their packages have them
/// (`scripts/vendor`).
const PARTS: [(&str, &str, &str); 9] = [
    ("/", "text/html", include_str!("../dashboard/index.html")),
    (
        "/dashboard/style.css",
        "text/css",
        include_str!("../dashboard/style.css"),
    ),
    (
        "/dashboard/words.js",
        "text/javascript",
        include_str!("../dashboard/words.js"),
    ),
    (
        "/dashboard/map.js",
        "text/javascript",
        include_str!("../dashboard/map.js"),
    ),
    (
        "/dashboard/panel.js",
        "text/javascript",
        include_str!("../dashboard/panel.js"),
    ),
    (
        "/dashboard/main.js",
        "text/javascript",
        include_str!("../dashboard/main.js"),
    ),
    (
        "/dashboard/dagre.js",
        "text/javascript",
        include_str!("../dashboard/vendor/dagre.min.js"),
    ),
    (
        "/dashboard/uplot.js",
        "text/javascript",
        include_str!("../dashboard/vendor/uPlot.iife.min.js"),
    ),
    (
        "/dashboard/uplot.css",
        "text/css",
        include_str!("../dashboard/vendor/uPlot.min.css"),
    ),
];

/// Serves each part.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    PARTS
        .into_iter()
        .fold(Router::new(), |router, (path, kind, text)| {
            let answer = move || async move {
                let headers = [
                    (header::CONTENT_TYPE, format!("{kind}; charset=utf-8")),
                    (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
                    (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
                    (header::CACHE_CONTROL, "no-cache".to_owned()),
                ];
                (headers, text).into_response()
            };
            router.route(path, get(answer))
        })
}
