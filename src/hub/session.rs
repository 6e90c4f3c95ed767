//! Connecting an interpreter: one TLS configuration for all, a time limit, and what a refusal means.

use std::sync::Arc;
use std::time::Duration;

use rustls_platform_verifier::ConfigVerifierExt as _;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response, header};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, connect_async_tls_with_config};

use super::socket::{Socket, session_config};
use crate::call::{Cure, EngineKind};
use crate::engine::problem::cure;
use crate::engine::{Auth, Settings};

/// A session's socket.
pub type SessionSocket = Socket<MaybeTlsStream<TcpStream>>;

/// A handshake that takes longer would come too late for the words that wait for it. It ends before a call stops waiting
/// for the settings to be confirmed (5 s): a session that never was must not be taken for one that does not confirm.
const HANDSHAKE_MAX: Duration = Duration::from_secs(4);

/// Why a session could not be connected, or ended.
#[derive(Debug)]
pub struct Lost {
    pub why: String,
    /// What may help.
    pub cure: Cure,
    pub retry_after: Option<Duration>,
}

impl Lost {
    pub fn healing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            cure: Cure::Again,
            retry_after: None,
        }
    }
}

/// The TLS configuration that every connection shares: building one reads all of the system's certificates.
///
/// # Errors
/// The system's certificates cannot be used.
pub fn tls() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    Ok(Arc::new(rustls::ClientConfig::with_platform_verifier()?))
}

/// Connects a session.
///
/// # Errors
/// The handshake fails, is refused, or takes too long.
pub async fn connect(
    kind: EngineKind,
    settings: Arc<Settings>,
    tls: Arc<rustls::ClientConfig>,
) -> Result<SessionSocket, Lost> {
    let url = settings.session_url(kind);
    let mut request = url.as_str().into_client_request().map_err(|error| Lost {
        cure: Cure::Nothing,
        ..lost(&error)
    })?;
    let (name, value) = match settings.auth {
        Auth::Bearer => (
            header::AUTHORIZATION,
            format!("Bearer {}", settings.key.expose_secret()),
        ),
        Auth::ApiKey => (
            header::HeaderName::from_static("api-key"),
            settings.key.expose_secret().to_owned(),
        ),
    };
    let Ok(mut value) = HeaderValue::from_str(&value) else {
        return Err(Lost {
            why: "the key has characters that no header can carry".into(),
            cure: Cure::Nothing,
            retry_after: None,
        });
    };
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    let connector = if url.scheme() == "ws" {
        Connector::Plain
    } else {
        Connector::Rustls(tls)
    };
    let handshake = connect_async_tls_with_config(request, Some(session_config()), true, Some(connector));
    match tokio::time::timeout(HANDSHAKE_MAX, handshake).await {
        Ok(Ok((ws, _))) => Ok(Socket::new(ws)),
        Ok(Err(Error::Http(response))) => Err(refused(&response)),
        Ok(Err(error)) => Err(lost(&error)),
        Err(_) => Err(Lost::healing("the handshake took too long")),
    }
}

fn lost(error: &Error) -> Lost {
    Lost::healing(error.to_string())
}

fn refused(response: &Response<Option<Vec<u8>>>) -> Lost {
    let status = response.status().as_u16();
    let body = response.body().as_deref().unwrap_or_default();
    let code = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|body| body.get("error")?.get("code")?.as_str().map(str::to_owned))
        .unwrap_or_default();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    // A wrong key stays wrong everywhere, a wrong model or path here; limits, overload and a server's own faults pass.
    let cure = match (cure(&code), status) {
        (Cure::Again, 408 | 409 | 425 | 429 | 500..=599) => Cure::Again,
        (Cure::Again, 401 | 402) => Cure::Nothing,
        (Cure::Again, _) => Cure::OtherEngine,
        (known, _) => known,
    };
    Lost {
        why: format!("the handshake was refused with status {status} {code}"),
        cure,
        retry_after: retry_after.map(Duration::from_secs),
    }
}

/// What the end of a session's socket means. `last`: its close message, if there was one.
pub fn closed(last: Option<&Message>) -> Lost {
    let Some(Message::Close(Some(frame))) = last else {
        return Lost::healing("the connection was lost");
    };
    let code = u16::from(frame.code);
    // 4000 is how the beta protocol is refused; 1008 is a policy that another attempt would meet again.
    let cure = match code {
        4000 | 1008 => Cure::OtherEngine,
        _ => Cure::Again,
    };
    Lost {
        why: format!("closed with code {code}"),
        cure,
        retry_after: None,
    }
}
