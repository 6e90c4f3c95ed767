//! `duologue health`: asks the instance on this machine whether it is alive, for a container's health check.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// A live instance answers at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `/live` on the loopback interface, or on `host` if the instance listens there alone.
///
/// # Errors
/// Nothing answers, or something other than `200`.
pub fn run(host: IpAddr, port: u16) -> anyhow::Result<()> {
    let host = if host.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        host
    };
    let address = SocketAddr::new(host, port);
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).context("nothing listens")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET /live HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).context("no answer")?;
    if &status != b"HTTP/1.1 200" {
        bail!("the answer was {}", String::from_utf8_lossy(&status));
    }
    Ok(())
}
