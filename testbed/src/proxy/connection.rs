//! One connection: two threads that mostly sleep, frame by frame.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::rules::{Fate, Network, Slow};

/// Requests that wait for their response: correlation id and kind, in order.
type Pending = Arc<Mutex<VecDeque<([u8; 4], i16)>>>;

/// A damaged bit lies this far from a request's end: behind it there may be tagged fields.
const FROM_END: usize = 24;

/// How much is passed on at a time where the network is slow.
const PIECE: usize = 16 * 1024;

/// Serves a connection until one end closes it.
pub(super) fn serve(client: TcpStream, server: TcpStream, network: &Arc<Network>) {
    let copy = |stream: &TcpStream| stream.try_clone().expect("a socket can be copied");
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let id = network.enter([copy(&client), copy(&server)]);
    let pending = Pending::default();
    let (answers, back, waiting, shared) = (
        copy(&server),
        copy(&client),
        pending.clone(),
        network.clone(),
    );
    thread::spawn(move || {
        responses(answers, back, &waiting, &shared, id).ok();
        shared.leave(id);
    });
    let shared = network.clone();
    thread::spawn(move || {
        requests(client, server, &pending, &shared, id).ok();
        shared.leave(id);
    });
}

/// Length, kind, version, correlation id, and the rest.
fn requests(
    mut client: TcpStream,
    mut server: TcpStream,
    pending: &Pending,
    network: &Network,
    id: u64,
) -> io::Result<()> {
    loop {
        let mut head = [0; 12];
        client.read_exact(&mut head)?;
        let [l0, l1, l2, l3, k0, k1, _, _, correlation @ ..] = head;
        let rest = (u32::from_be_bytes([l0, l1, l2, l3]) as usize)
            .checked_sub(8)
            .ok_or(io::ErrorKind::InvalidData)?;
        let kind = i16::from_be_bytes([k0, k1]);
        let (fate, slow) = network.request(id, kind);
        thread::sleep(slow.latency);
        match fate {
            Fate::Vanish => {
                io::copy(&mut (&client).take(rest as u64), &mut io::sink())?;
                continue;
            }
            Fate::Reset => return Ok(()),
            Fate::Pass | Fate::Damage => {}
        }
        if let Ok(mut pending) = pending.lock() {
            pending.push_back((correlation, kind));
        }
        server.write_all(&head)?;
        if fate == Fate::Damage {
            let mut body = vec![0; rest];
            client.read_exact(&mut body)?;
            let place = rest.saturating_sub(FROM_END);
            body[place] ^= 1;
            server.write_all(&body)?;
        } else {
            pass(&mut client, &mut server, rest, slow)?;
        }
    }
}

/// Length, correlation id, and the rest.
fn responses(
    mut server: TcpStream,
    mut client: TcpStream,
    pending: &Pending,
    network: &Network,
    id: u64,
) -> io::Result<()> {
    loop {
        let mut head = [0; 8];
        server.read_exact(&mut head)?;
        let [l0, l1, l2, l3, correlation @ ..] = head;
        let rest = (u32::from_be_bytes([l0, l1, l2, l3]) as usize)
            .checked_sub(4)
            .ok_or(io::ErrorKind::InvalidData)?;
        let (fate, slow) = network.response(id, answered(pending, correlation));
        thread::sleep(slow.latency);
        match fate {
            Fate::Vanish => {
                io::copy(&mut (&server).take(rest as u64), &mut io::sink())?;
            }
            Fate::Reset => return Ok(()),
            Fate::Pass | Fate::Damage => {
                client.write_all(&head)?;
                pass(&mut server, &mut client, rest, slow)?;
            }
        }
    }
}

/// The kind of the request that is answered. Those before it got no answer, and get none.
fn answered(pending: &Pending, correlation: [u8; 4]) -> i16 {
    let Ok(mut pending) = pending.lock() else {
        return -1;
    };
    let place = pending.iter().position(|(id, _)| *id == correlation);
    let kind = place.and_then(|place| pending.drain(..=place).next_back());
    kind.map_or(-1, |(_, kind)| kind)
}

fn pass(from: &mut TcpStream, to: &mut TcpStream, mut rest: usize, slow: Slow) -> io::Result<()> {
    let mut piece = [0; PIECE];
    while rest > 0 {
        let size = rest.min(PIECE);
        from.read_exact(&mut piece[..size])?;
        to.write_all(&piece[..size])?;
        rest -= size;
        if let Some(micros) = (size as u64 * 1_000_000).checked_div(slow.bytes_per_second) {
            thread::sleep(Duration::from_micros(micros));
        }
    }
    Ok(())
}
