//! Who may change something.

use axum::http::{HeaderMap, StatusCode, header};

/// Why somebody may not.
pub(super) type Refusal = (StatusCode, &'static str);

/// Decides who may pause and resume.
#[derive(Clone)]
pub(super) struct Guard {
    token: Option<String>,
    is_loopback: bool,
}

impl Guard {
    /// With the token of `CROSSDOCK_TOKEN`, if there is one.
    pub(super) fn new(is_loopback: bool) -> Self {
        let token = std::env::var("CROSSDOCK_TOKEN").ok();
        Self {
            token: token.filter(|t| !t.is_empty()),
            is_loopback,
        }
    }

    /// Whether a token must be given.
    pub(super) fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether the request may change something.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
        // A page of another site must not pause edges through the browser of whoever reads it.
        if let Some(origin) = text(header::ORIGIN) {
            let host = origin.split_once("://").map(|(_, host)| host);
            if host != text(header::HOST) {
                return Err((
                    StatusCode::FORBIDDEN,
                    "this is for the page of this server\n",
                ));
            }
        }
        let Some(token) = &self.token else {
            return match self.is_loopback {
                true => Ok(()),
                false => Err((
                    StatusCode::FORBIDDEN,
                    "set CROSSDOCK_TOKEN to allow this on other than loopback addresses\n",
                )),
            };
        };
        match text(header::AUTHORIZATION).and_then(|v| v.strip_prefix("Bearer ")) {
            Some(given) if is_same(given.as_bytes(), token.as_bytes()) => Ok(()),
            _ => Err((
                StatusCode::UNAUTHORIZED,
                "this needs `Authorization: Bearer` with the value of CROSSDOCK_TOKEN\n",
            )),
        }
    }
}

/// Compares without telling by its time how much is right.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(header::HeaderName, &str)]) -> HeaderMap {
        let pairs = given.iter();
        pairs
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn who_may_change_something() {
        let with = |token: Option<&str>, is_loopback| Guard {
            token: token.map(str::to_owned),
            is_loopback,
        };
        let bearer = |token: &'static str| vec![(header::AUTHORIZATION, token)];
        let from =
            |origin: &'static str| vec![(header::ORIGIN, origin), (header::HOST, "127.0.0.1:8642")];
        for (guard, given, status) in [
            (with(None, true), vec![], None),
            (with(None, false), vec![], Some(403)),
            (with(Some("t0p"), true), vec![], Some(401)),
            (with(Some("t0p"), true), bearer("Bearer t0q"), Some(401)),
            (with(Some("t0p"), true), bearer("t0p"), Some(401)),
            (with(Some("t0p"), false), bearer("Bearer t0p"), None),
            (with(None, true), from("http://127.0.0.1:8642"), None),
            (with(None, true), from("https://example.org"), Some(403)),
            (with(None, true), from("null"), Some(403)),
        ] {
            let found = guard.check(&headers(&given)).err().map(|(s, _)| s.as_u16());
            assert_eq!(found, status, "{given:?}");
        }
    }
}
