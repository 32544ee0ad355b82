//! A client that has lost all its brokers gets them back.
//!
//! A broker that comes back names no broker at all while it is still fenced. librdkafka (2.10 to 2.13)
//! takes that for the truth, lets go of every broker it knew, and of those of `bootstrap.servers` with
//! them; from then on it asks nobody any more, for good (librdkafka issue 5301).
#![expect(
    unsafe_code,
    reason = "rd_kafka_brokers_add has no safe wrapper, and metadata is asked for without topics"
)]

use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::bindings as sys;
use rdkafka::types::RDKafka;

/// A client that has heard nothing for this long is looked at.
const INTERVAL: Duration = Duration::from_secs(4);

/// Looking takes at most one part in so many of the time, however much the answer holds.
const SHARE: u32 = 50;

/// Between two times that a client gets its brokers, at most: librdkafka keeps a list of these times.
const INTERVAL_MAX: Duration = Duration::from_secs(32);

/// How long a broker may take to answer a look: whoever polls the client waits for it.
const ANSWER_WITHIN_MS: i32 = 200;

/// Longest value of `bootstrap.servers` in bytes: some hundred brokers.
const BOOTSTRAP_MAX: usize = 16 * 1024;

/// Watches one client.
#[derive(Debug)]
pub(super) struct Lifeline(Mutex<Next>);

#[derive(Debug)]
struct Next {
    look: Instant,
    /// How long to wait after a look in vain.
    backoff: Duration,
}

impl Default for Lifeline {
    fn default() -> Self {
        Self(Mutex::new(Next {
            look: Instant::now() + INTERVAL,
            backoff: INTERVAL,
        }))
    }
}

impl Lifeline {
    /// The client has received something: it has a broker.
    pub(super) fn heard(&self) {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        next.look = Instant::now() + INTERVAL;
        next.backoff = INTERVAL;
    }

    /// Gives the client its brokers again where none answers. Called again and again by whoever polls
    /// it.
    pub(super) fn tend(&self, client: *mut RDKafka) {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        if begun < next.look {
            return;
        }
        if has_brokers(client) {
            next.look = Instant::now() + INTERVAL.max(begun.elapsed() * SHARE);
            next.backoff = INTERVAL;
        } else {
            add_brokers(client);
            next.look = Instant::now() + next.backoff;
            next.backoff = (next.backoff * 2).min(INTERVAL_MAX);
        }
    }
}

fn has_brokers(client: *mut RDKafka) -> bool {
    let mut metadata = ptr::null();
    // SAFETY: the client is alive; the answer is destroyed here, and only where there is one.
    unsafe {
        let answer = sys::rd_kafka_metadata(
            client,
            0,
            ptr::null_mut(),
            &raw mut metadata,
            ANSWER_WITHIN_MS,
        );
        if answer != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return false;
        }
        let count = (*metadata).broker_cnt;
        sys::rd_kafka_metadata_destroy(metadata);
        count > 0
    }
}

fn add_brokers(client: *mut RDKafka) {
    let mut value = vec![0u8; BOOTSTRAP_MAX];
    let mut size = value.len();
    // SAFETY: the client is alive, and with it its settings; librdkafka writes at most `size` bytes,
    // with a NUL at their end.
    unsafe {
        let found = sys::rd_kafka_conf_get(
            sys::rd_kafka_conf(client),
            c"bootstrap.servers".as_ptr(),
            value.as_mut_ptr().cast(),
            &raw mut size,
        );
        let servers = CStr::from_bytes_until_nul(&value).map(CString::from);
        if let (sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK, Ok(servers)) = (found, servers) {
            sys::rd_kafka_brokers_add(client, servers.as_ptr());
        }
    }
}
