//! Without Kafka: a server that answers each frame with its correlation id.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::{Proxy, Slow, Way, api};
use crate::broker::free_port;
use crate::wait;

/// Answers every request with a body of four bytes, and remembers how many there were.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut request = [0; 40];
                while client.read_exact(&mut request).is_ok() {
                    let mut answer = vec![0, 0, 0, 8];
                    answer.extend_from_slice(&request[8..12]);
                    answer.extend_from_slice(&request[36..40]);
                    if client.write_all(&answer).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

fn proxied() -> (Proxy, TcpStream) {
    let port = free_port();
    let proxy = Proxy::start(&[(port, echo())]);
    (proxy, connect(port))
}

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).expect("the proxy listens")
}

/// A request of 40 bytes in all: 36 behind the length.
fn ask(stream: &mut TcpStream, kind: i16, correlation: u32) {
    let mut request = vec![0, 0, 0, 36];
    request.extend_from_slice(&kind.to_be_bytes());
    request.extend_from_slice(&[0, 9]);
    request.extend_from_slice(&correlation.to_be_bytes());
    request.resize(40, 5);
    stream.write_all(&request).expect("the proxy reads");
}

/// `Ok(Some(id))`: an answer; `Ok(None)`: nothing for long; `Err`: the connection is over.
fn answer(stream: &mut TcpStream) -> Result<Option<u32>, ()> {
    answer_within(stream, Duration::from_secs(30))
}

/// The same; nothing is not waited for long.
fn nothing_yet(stream: &mut TcpStream) -> bool {
    answer_within(stream, Duration::from_millis(300)) == Ok(None)
}

fn answer_within(stream: &mut TcpStream, limit: Duration) -> Result<Option<u32>, ()> {
    stream
        .set_read_timeout(Some(limit))
        .expect("a limit can be set");
    let mut answer = [0; 12];
    match stream.read_exact(&mut answer) {
        Ok(()) => Ok(Some(u32::from_be_bytes([
            answer[4], answer[5], answer[6], answer[7],
        ]))),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => Ok(None),
        Err(_) => Err(()),
    }
}

#[test]
fn what_is_asked_is_answered() {
    let (_proxy, mut stream) = proxied();
    for id in 1..=3 {
        ask(&mut stream, api::METADATA, id);
    }
    let all = [(); 3].map(|()| answer(&mut stream));
    assert_eq!(all, [Ok(Some(1)), Ok(Some(2)), Ok(Some(3))]);
}

#[test]
fn one_kind_is_held_with_what_follows_it() {
    let (proxy, mut stream) = proxied();
    proxy.hold(&[api::PRODUCE]);
    ask(&mut stream, api::METADATA, 1);
    ask(&mut stream, api::PRODUCE, 2);
    ask(&mut stream, api::METADATA, 3);
    assert_eq!(answer(&mut stream), Ok(Some(1)));
    assert!(nothing_yet(&mut stream));
    proxy.flow();
    assert_eq!(answer(&mut stream), Ok(Some(2)));
    assert_eq!(answer(&mut stream), Ok(Some(3)));
    assert_eq!(proxy.hits(), 1);
}

#[test]
fn one_response_is_lost_with_its_connection_and_no_other() {
    let (proxy, mut stream) = proxied();
    proxy.lose_responses(api::END_TXN, 1);
    ask(&mut stream, api::PRODUCE, 1);
    assert_eq!(answer(&mut stream), Ok(Some(1)));
    ask(&mut stream, api::END_TXN, 2);
    assert_eq!(answer(&mut stream), Err(()));
    let mut again = connect(proxy.ports[0]);
    ask(&mut again, api::END_TXN, 3);
    assert_eq!(answer(&mut again), Ok(Some(3)));
}

#[test]
fn half_open_nothing_comes_back_until_it_is_healed_by_a_new_connection() {
    for way in [Way::Requests, Way::Responses] {
        let (proxy, mut stream) = proxied();
        proxy.half_open(way);
        ask(&mut stream, api::METADATA, 1);
        assert!(nothing_yet(&mut stream), "{way:?}");
        // Only what it has seen can have vanished.
        wait::until("it has vanished", Duration::from_secs(30), || {
            match proxy.hits() > 0 {
                true => Ok(()),
                false => Err("not yet"),
            }
        });
        proxy.flow();
        assert_eq!(answer(&mut stream), Err(()), "{way:?}");
        let mut again = connect(proxy.ports[0]);
        ask(&mut again, api::METADATA, 2);
        assert_eq!(answer(&mut again), Ok(Some(2)), "{way:?}");
    }
}

#[test]
fn cut_and_reset_connections_are_over() {
    let (proxy, mut stream) = proxied();
    ask(&mut stream, api::METADATA, 1);
    assert_eq!(answer(&mut stream), Ok(Some(1)));
    proxy.reset(1);
    assert_eq!(answer(&mut stream), Err(()));
    proxy.cut();
    assert_eq!(answer(&mut connect(proxy.ports[0])), Err(()));
    proxy.flow();
    let mut again = connect(proxy.ports[0]);
    ask(&mut again, api::METADATA, 2);
    assert_eq!(answer(&mut again), Ok(Some(2)));
}

#[test]
fn a_damaged_request_arrives_with_one_bit_turned_over() {
    let (proxy, mut stream) = proxied();
    proxy.damage(api::PRODUCE, 1);
    ask(&mut stream, api::PRODUCE, 1);
    // The bit is not in the last four bytes, which come back.
    assert_eq!((answer(&mut stream), proxy.hits()), (Ok(Some(1)), 1));
}

#[test]
fn a_slow_network_still_carries_everything() {
    let (proxy, mut stream) = proxied();
    proxy.slow(Slow {
        latency: Duration::from_millis(20),
        bytes_per_second: 100_000,
        reset_one_in: 0,
    });
    for id in 1..=3 {
        ask(&mut stream, api::PRODUCE, id);
        assert_eq!(answer(&mut stream), Ok(Some(id)));
    }
}
