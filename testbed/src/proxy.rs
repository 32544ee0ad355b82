//! A TCP proxy before a broker, which can stand still, cut, or hold single kinds of requests.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Kafka's numbers of the requests that write.
pub mod api {
    /// Produce.
    pub const PRODUCE: i16 = 0;
    /// EndTxn.
    pub const END_TXN: i16 = 26;
}

/// Forwards connections until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    rules: Arc<Mutex<Rules>>,
}

#[derive(Debug, Default)]
struct Rules {
    /// Requests of these kinds wait, and what follows on their connection.
    held: BTreeSet<i16>,
    /// No connection lives, none is accepted.
    cut: bool,
    /// The proxy itself is gone.
    over: bool,
    /// Both ends of every connection, to be cut.
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Listens on `port` and forwards to `to`, both on this machine.
    pub fn start(port: u16, to: u16) -> Self {
        let rules = Arc::new(Mutex::new(Rules::default()));
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the proxy's port is free");
        let shared = rules.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut rules = shared.lock().expect("no one panics with the rules");
                if rules.over {
                    return;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else {
                    continue;
                };
                if !rules.cut {
                    forward(client, server, &mut rules, &shared);
                }
            }
        });
        Self { rules, port }
    }

    /// Holds requests of these kinds, until `flow`.
    pub fn hold(&self, kinds: &[i16]) {
        self.rules().held.extend(kinds);
    }

    /// Everything goes on, what was held first.
    pub fn flow(&self) {
        let mut rules = self.rules();
        rules.held.clear();
        rules.cut = false;
    }

    /// Cuts all connections and takes none, until `flow`.
    pub fn cut(&self) {
        let mut rules = self.rules();
        rules.cut = true;
        close_all(&mut rules);
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.rules.lock().expect("no one panics with the rules")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Ok(mut rules) = self.rules.lock() {
            rules.over = true;
            close_all(&mut rules);
        }
        // Wakes the thread that accepts: it sees that it is over, and frees the port.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn close_all(rules: &mut Rules) {
    for stream in rules.open.drain(..) {
        stream.shutdown(Shutdown::Both).ok(); // it may have been closed by its owner
    }
}

fn forward(client: TcpStream, server: TcpStream, rules: &mut Rules, shared: &Arc<Mutex<Rules>>) {
    let copy = |stream: &TcpStream| stream.try_clone().expect("a socket can be copied");
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    rules.open.extend([copy(&client), copy(&server)]);
    let (mut answers, mut back) = (copy(&server), copy(&client));
    thread::spawn(move || {
        std::io::copy(&mut answers, &mut back).ok();
        back.shutdown(Shutdown::Both).ok();
    });
    let shared = shared.clone();
    thread::spawn(move || {
        requests(client, &server, &shared).ok();
        server.shutdown(Shutdown::Both).ok();
    });
}

/// Request by request: four bytes of length, two of kind.
fn requests(
    mut client: TcpStream,
    mut server: &TcpStream,
    rules: &Mutex<Rules>,
) -> std::io::Result<()> {
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        client.read_exact(&mut request)?;
        let kind = i16::from_be_bytes([request[0], request[1]]);
        while rules
            .lock()
            .is_ok_and(|r| r.held.contains(&kind) && !r.over)
        {
            thread::sleep(Duration::from_millis(20));
        }
        server.write_all(&length)?;
        server.write_all(&request)?;
    }
}
