//! Where the program is reached beside its public address: its figures.

use std::net::{Ipv4Addr, SocketAddr};

use secrecy::SecretString;

use super::reader::Reader;

/// Where Prometheus asks by default: this machine alone, the port of OpenTelemetry's exporter for it.
const METRICS_PORT: u16 = 9_464;

/// A token that can be guessed is none.
const TOKEN_MIN: usize = 16;

/// Who gets the figures.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Where they are served to everybody; `None`: nowhere.
    pub address: Option<SocketAddr>,
    /// Nobody has asked for that address: that it is taken is no mistake.
    pub by_default: bool,
    /// Whoever has it gets them on the public port too.
    pub token: Option<SecretString>,
}

impl Reader<'_> {
    pub(super) fn metrics(&mut self) -> Option<Metrics> {
        let named = self.value("METRICS_ADDRESS");
        let by_default = named.is_none();
        let address = match named.as_deref() {
            None => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, METRICS_PORT))),
            Some("off") => None,
            Some(text) => match text.parse() {
                Ok(address) => Some(address),
                Err(_) => {
                    let what = "it should be an address with a port, such as 127.0.0.1:9464, or off";
                    return self.mistake("METRICS_ADDRESS", what);
                }
            },
        };
        let token = self.value("METRICS_TOKEN");
        if token.as_ref().is_some_and(|token| token.len() < TOKEN_MIN) {
            return self.mistake(
                "METRICS_TOKEN",
                format!("it should have at least {TOKEN_MIN} characters"),
            );
        }
        Some(Metrics {
            address,
            by_default,
            token: token.map(SecretString::from),
        })
    }
}
