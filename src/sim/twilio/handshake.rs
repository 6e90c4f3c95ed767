//! Opening a WebSocket to the app as Twilio's media servers do.
//!
//! The request carries the headers that were seen on Twilio's wire: no origin, no subprotocol, no extensions, and the
//! signature over the `ws(s)://` URL in a lower-case header.

use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error as WsError, handshake::client::generate_key, http::Request, protocol::WebSocketConfig,
    },
};

/// How long connection and handshake may take.
const LIMIT: Duration = Duration::from_secs(5);
/// What the kernel may hold of our frames before the app is considered too slow.
const SEND_BUFFER: u32 = 64 * 1024;

/// Why no stream came about.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HandshakeError {
    #[error("the answer was {status}")]
    Refused { status: u16, body: String },
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("the URL cannot be used: {0}")]
    Url(String),
}

pub(super) type Socket = WebSocketStream<TcpStream>;

/// Connects and shakes hands. `headers` are added as they are; `receive_buffer` limits what the kernel takes unread.
pub(super) async fn open(
    url: &str,
    headers: &[(&'static str, String)],
    receive_buffer: Option<u32>,
) -> Result<Socket, HandshakeError> {
    let parsed = url::Url::parse(url).map_err(|e| HandshakeError::Url(e.to_string()))?;
    if parsed.scheme() != "ws" {
        // The simulation lives on loopback, where there are no certificates.
        return Err(HandshakeError::Url(format!("scheme {}", parsed.scheme())));
    }
    let host = parsed
        .host_str()
        .ok_or_else(|| HandshakeError::Url("no host".to_owned()))?;
    let port = parsed.port_or_known_default().unwrap_or(80);
    let authority = match parsed.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let mut request = Request::get(url)
        .header("host", authority)
        .header("user-agent", "Twilio.TmeWs/1.0")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", generate_key());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.header("accept-encoding", "gzip").body(());
    let request = request.map_err(|e| HandshakeError::Url(e.to_string()))?;
    let connect = async {
        let stream = connect(host, port, receive_buffer).await;
        let stream = stream.map_err(|e| HandshakeError::Unreachable(e.to_string()))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config))
            .await
            .map_err(refusal)?;
        Ok(socket)
    };
    let late = |_| Err(HandshakeError::Unreachable("no answer in time".to_owned()));
    tokio::time::timeout(LIMIT, connect).await.unwrap_or_else(late)
}

async fn connect(host: &str, port: u16, receive_buffer: Option<u32>) -> std::io::Result<TcpStream> {
    let address = lookup_host((host, port)).await?.next();
    let address = address.ok_or_else(|| std::io::Error::other("the name has no address"))?;
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_send_buffer_size(SEND_BUFFER)?;
    if let Some(size) = receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

fn refusal(error: WsError) -> HandshakeError {
    match error {
        WsError::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let body = String::from_utf8_lossy(body).into_owned();
            HandshakeError::Refused {
                status: response.status().as_u16(),
                body,
            }
        }
        other => HandshakeError::Unreachable(other.to_string()),
    }
}
