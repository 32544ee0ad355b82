//! Just enough HTTP to ask a local crossdock.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Status and body of one request.
pub fn request(method: &str, address: &str, path: &str) -> Result<(u16, String), String> {
    let limit = Some(Duration::from_secs(5));
    let exchange = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(limit)?;
        stream.set_write_timeout(limit)?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = exchange().map_err(|e: std::io::Error| format!("{address}{path}: {e}"))?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("the answer has no end of head")?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    Ok((status.ok_or("the answer has no status")?, body.to_owned()))
}
