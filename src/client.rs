//! The way to a running crossdock: its HTTP, for the commands that ask it something.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use ureq::Agent;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A running crossdock.
pub struct Client {
    server: String,
    agent: Agent,
}

impl Client {
    /// The one that listens at a URL; `host:port` is one too.
    pub fn new(server: &str) -> Self {
        let server = server.trim_end_matches('/');
        let server = match server.contains("://") {
            true => server.to_owned(),
            false => format!("http://{server}"),
        };
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_WITHIN))
            .http_status_as_error(false)
            .build();
        Self {
            server,
            agent: config.into(),
        }
    }

    /// `/api/v1/status`.
    ///
    /// # Errors
    /// Nobody answers there, or not as crossdock does.
    pub fn status(&self) -> Result<Value> {
        let text = self.get("/api/v1/status")?;
        let told = serde_json::from_str(&text);
        told.with_context(|| format!("{} does not answer as crossdock does", self.server))
    }

    /// `/api/v1/events`: what happened lately, oldest first.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn events(&self) -> Result<Value> {
        let text = self.get("/api/v1/events")?;
        let told = serde_json::from_str(&text);
        told.with_context(|| format!("{} does not answer as crossdock does", self.server))
    }

    /// `/metrics`, as they are.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn metrics(&self) -> Result<String> {
        self.get("/metrics")
    }

    /// How far its clock is ahead of this one, in whole seconds, by what it says with an answer.
    ///
    /// # Errors
    /// Nobody answers there, or without the time.
    pub fn clock_ahead_seconds(&self) -> Result<i64> {
        let url = format!("{}/livez", self.server);
        let answer = self.agent.get(&url).call();
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let date = answer.headers().get("date").and_then(|d| d.to_str().ok());
        let date = date.context("the answer has no date")?;
        let then = jiff::fmt::rfc2822::parse(date).context("the answer's date is none")?;
        Ok(then.timestamp().as_second() - crate::clock::now_ms() / 1000)
    }

    fn get(&self, path: &str) -> Result<String> {
        let url = format!("{}{path}", self.server);
        let answer = self.agent.get(&url).call();
        self.text(answer.map_err(|error| self.unreachable(&error))?)
    }

    /// Asks for a change; what is said of it.
    ///
    /// # Errors
    /// Nobody answers, or it is refused.
    pub fn post(&self, path: &str) -> Result<String> {
        let url = format!("{}{path}", self.server);
        let mut request = self.agent.post(&url);
        if let Ok(token) = std::env::var("CROSSDOCK_TOKEN")
            && !token.is_empty()
        {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.send_empty();
        self.text(answer.map_err(|error| self.unreachable(&error))?)
    }

    fn text(&self, mut answer: ureq::http::Response<ureq::Body>) -> Result<String> {
        let status = answer.status();
        let text = answer.body_mut().read_to_string();
        let text = text.with_context(|| format!("{} does not end its answer", self.server))?;
        if !status.is_success() {
            bail!("{} says {}: {}", self.server, status.as_u16(), text.trim());
        }
        Ok(text)
    }

    fn unreachable(&self, error: &ureq::Error) -> anyhow::Error {
        anyhow!(
            "cannot ask {}: {error}; give the address of a running `crossdock run` with --server",
            self.server
        )
    }
}

/// Asks for an edge to be paused or resumed, and says what was done.
///
/// # Errors
/// As [`Client::post`].
pub fn set_paused(server: &str, edge: &str, verb: &str) -> Result<String> {
    if crossdock_model::name::check_topic_name(edge).is_err() {
        bail!("`{edge}` is no name of an edge");
    }
    Client::new(server).post(&format!("/api/v1/edges/{edge}/{verb}"))
}
