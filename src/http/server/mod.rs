//! The listener: accepts connections, answers their requests, and lets none of them cost anybody else anything.
//!
//! | what | limit |
//! |---|---|
//! | a connection that sends nothing | [`connection::OPENED_MAX`] |
//! | the head of a request | [`connection::HEAD_MAX`], [`HEAD_BYTES_MAX`] |
//! | its body | [`body::BODY_MAX`], and the route's own size |
//! | between two requests | [`connection::IDLE_MAX`] |
//! | an answer that nobody reads | [`connection::READ_MAX`] |
//! | connections that have proven nothing | a share of the descriptors: [`descriptors::unproven_share`] |
//!
//! A media stream that has proven itself is its call's alone from then on.

pub mod body;
pub mod connection;
pub mod descriptors;
mod io;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use self::body::{Timed, Tracked};
use self::connection::{Connection, Connections};
use self::io::Watched;

/// Bytes of a request's head, and of what is read ahead. Twilio's heads have some 2 KB, a browser's with its cookies more.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How often it is looked for whoever has taken too long.
const LOOK: Duration = Duration::from_millis(500);

/// Without a descriptor for another connection it is tried again after this.
const NO_DESCRIPTOR: Duration = Duration::from_millis(20);

/// Answers under way may be finished for so long once the listener closes.
const FINISH_MAX: Duration = Duration::from_secs(1);

/// Serves until `finish` is cancelled, then for as long as answers under way take, but no longer than a second.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Arc<Connections>,
    finish: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            biased;
            () = finish.cancelled() => break,
            _ = look.tick() => {
                connections.look();
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_other_end(&error) => continue,
            Err(error) => {
                tracing::debug!(%error, "no connection can be accepted");
                connections.make_room();
                tokio::time::sleep(NO_DESCRIPTOR).await;
                continue;
            }
        };
        // Each frame is a small write of its own; waiting to merge them would only delay speech.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let socket = Watched::new(stream, connections.admit());
        tasks.spawn(answer_all(socket, peer, router.clone(), finish.clone()));
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(FINISH_MAX, tasks.wait()).await.is_err() {
        tracing::info!(open = tasks.len(), "connections that were still open are closed");
    }
    connections.close_all();
}

/// Whether an error of accepting concerns one connection alone, which went before it was accepted.
fn is_of_the_other_end(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Answers a connection's requests, one after the other.
async fn answer_all(socket: Watched, peer: SocketAddr, router: Router, finish: CancellationToken) {
    let connection = socket.connection().clone();
    let service =
        hyper::service::service_fn(move |request| answer(router.clone(), connection.clone(), peer, request));
    let mut server = http1::Builder::new();
    server.max_buf_size(HEAD_BYTES_MAX);
    let serving = server
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = finish.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection has ended early");
    }
}

async fn answer(
    mut router: Router,
    connection: Connection,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Tracked>, Infallible> {
    let (mut head, body) = request.into_parts();
    if body.is_end_stream() {
        connection.answering();
    } else {
        connection.reading();
    }
    head.extensions.insert(ConnectInfo(peer));
    head.extensions.insert(connection.clone());
    let body = Body::new(Timed::new(body, connection.clone()));
    let response = router.call(Request::from_parts(head, body)).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        connection.upgraded();
    }
    Ok(response.map(|body| Tracked::new(body, connection)))
}
