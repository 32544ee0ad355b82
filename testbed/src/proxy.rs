//! TCP proxies before the brokers of a cluster: every fault that a network can have.
//!
//! A proxy knows Kafka's frames (a length, then for requests kind, version and correlation id, for
//! responses the correlation id), so that single kinds of requests can be held, and the response to
//! a request can be lost after the broker has done what was asked.

mod connection;
mod rules;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use connection::serve;
use rules::Network;
pub use rules::{Slow, Way};

/// Kafka's numbers of kinds of requests.
pub mod api {
    /// Produce.
    pub const PRODUCE: i16 = 0;
    /// Fetch.
    pub const FETCH: i16 = 1;
    /// Metadata.
    pub const METADATA: i16 = 3;
    /// Heartbeat of a group's member.
    pub const HEARTBEAT: i16 = 12;
    /// InitProducerId.
    pub const INIT_PRODUCER_ID: i16 = 22;
    /// EndTxn.
    pub const END_TXN: i16 = 26;
    /// TxnOffsetCommit.
    pub const TXN_OFFSET_COMMIT: i16 = 28;
}

/// Forwards connections to the brokers of one cluster until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    ports: Vec<u16>,
    network: Arc<Network>,
}

impl Proxy {
    /// Listens on the first port of each of `doors` and forwards to the second, all on this machine.
    pub fn start(doors: &[(u16, u16)]) -> Self {
        let network = Arc::new(Network::default());
        for (port, to) in doors {
            let listener =
                TcpListener::bind(("127.0.0.1", *port)).expect("the proxy's port is free");
            let (network, to) = (network.clone(), *to);
            thread::spawn(move || accept(&listener, to, &network));
        }
        let ports = doors.iter().map(|(port, _)| *port).collect();
        Self { ports, network }
    }

    /// Holds requests of these kinds, until `flow`.
    pub fn hold(&self, kinds: &[i16]) {
        self.network.change(|rules| rules.held.extend(kinds));
    }

    /// Everything goes on, what was held first. Connections that have lost something are closed: what
    /// follows on them would not be understood.
    pub fn flow(&self) {
        self.network.heal();
    }

    /// Cuts all connections and takes none, until `flow`.
    pub fn cut(&self) {
        self.network.change(|rules| rules.is_cut = true);
        self.network.close_all();
    }

    /// Connections stay open, and what goes one way vanishes, until `flow`.
    pub fn half_open(&self, way: Way) {
        self.network.change(|rules| rules.vanishing = Some(way));
    }

    /// Slow, and now and then reset, until `flow`.
    pub fn slow(&self, slow: Slow) {
        self.network.change(|rules| rules.slow = slow);
    }

    /// Resets one in `share` of the open connections, now.
    pub fn reset(&self, share: u64) {
        self.network.close_share(share);
    }

    /// The broker gets the next `count` requests of a kind and does what they ask; its responses are
    /// lost, and their connections with them.
    pub fn lose_responses(&self, kind: i16, count: u32) {
        self.network
            .change(|rules| *rules.losing.entry(kind).or_default() += count);
    }

    /// A bit of the next `count` requests of a kind is turned over on its way.
    pub fn damage(&self, kind: i16, count: u32) {
        self.network
            .change(|rules| *rules.damaging.entry(kind).or_default() += count);
    }

    /// How many requests or responses it has lost, held up or damaged, as it was told.
    pub fn hits(&self) -> u64 {
        self.network.hits()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.change(|rules| rules.is_over = true);
        self.network.close_all();
        for port in &self.ports {
            // Wakes the thread that accepts: it sees that it is over, and frees the port.
            drop(TcpStream::connect(("127.0.0.1", *port)));
        }
    }
}

fn accept(listener: &TcpListener, to: u16, network: &Arc<Network>) {
    for client in listener.incoming().flatten() {
        if network.is_over() {
            return;
        }
        // The broker may be dead, which its clients then notice.
        if let Ok(server) = TcpStream::connect(("127.0.0.1", to))
            && network.is_passable()
        {
            serve(client, server, network);
        }
    }
}

#[cfg(test)]
mod tests;
