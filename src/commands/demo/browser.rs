//! `duologue demo --browser`: a page on which two people take the two parts of a call, without a telephone.
//!
//! With `OPENAI_API_KEY` the interpreter is the real one, otherwise the simulated one. All other settings are those of the
//! environment, but for the carrier's: there is none.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::commands::serve;
use crate::commands::signals::Signals;
use crate::config::Config;
use crate::http;
use crate::http::try_it::{self, Demo};
use crate::hub::Hub;
use crate::sim::openai::{EngineOptions, EngineSim};

/// Serves the page until SIGINT or SIGTERM. `source` is the environment; with port 0 any free one is taken.
///
/// # Errors
/// The port is taken, or a setting is wrong.
pub async fn run(port: u16, source: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    let signals = Signals::listen(Duration::ZERO)?;
    let stage = Stage::set(port, source).await?;
    println!("{}", stage.welcome());
    let stop = stage.stop.clone();
    tokio::spawn(async move {
        signals.stop.cancelled().await;
        stop.cancel();
    });
    stage.serve().await
}

/// The program with its demo, and the simulated interpreter if there is one.
pub struct Stage {
    pub hub: Arc<Hub>,
    pub demo: Arc<Demo>,
    pub engine: Option<EngineSim>,
    /// Ends [`Stage::serve`].
    pub stop: CancellationToken,
    closing: CancellationToken,
    listener: TcpListener,
}

impl Stage {
    /// Binds the port and reads the settings.
    ///
    /// # Errors
    /// The port is taken, or a setting is wrong.
    pub async fn set(port: u16, source: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let given = |name: &str| source(name).filter(|value| !value.trim().is_empty());
        let public = given("PUBLIC_URL");
        // Whoever has an address of their own has something in front of us, maybe on another machine.
        let nearby = if public.is_some() { "0.0.0.0" } else { "127.0.0.1" };
        let host = given("API_HOST").unwrap_or_else(|| nearby.to_owned());
        let listener = TcpListener::bind((host.as_str(), port))
            .await
            .with_context(|| format!("cannot listen on {host}:{port}; choose another with --port"))?;
        let port = listener.local_addr()?.port();
        let engine = match given("OPENAI_API_KEY") {
            Some(_) => None,
            None => Some(EngineSim::start(EngineOptions::default()).await?),
        };
        let mut settings = carrier()?;
        settings.push(("API_PORT", port.to_string()));
        settings.push((
            "PUBLIC_URL",
            public.unwrap_or_else(|| format!("http://localhost:{port}")),
        ));
        if let Some(engine) = &engine {
            settings.push(("OPENAI_API_KEY", EngineOptions::default().api_key));
            settings.push(("OPENAI_BASE_URL", engine.base_url()));
            // The phrase book is all that it knows.
            settings.push(("AGENT_LANGUAGE", "english".to_owned()));
        }
        let config = Config::read(&|name| {
            let own = settings.iter().find(|(known, _)| *known == name);
            own.map(|(_, value)| value.clone()).or_else(|| source(name))
        });
        let config = config.map_err(|mistakes| {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            anyhow!("these settings are wrong:\n  {}", mistakes.join("\n  "))
        })?;
        let hub = Hub::new(Arc::new(config))?;
        let closing = CancellationToken::new();
        let demo = Demo::new(Arc::clone(&hub), engine.is_some(), closing.clone());
        let demo = demo.context("the system has no randomness")?;
        Ok(Self {
            hub,
            demo,
            engine,
            stop: CancellationToken::new(),
            closing,
            listener,
        })
    }

    fn welcome(&self) -> String {
        let engine = match &self.engine {
            Some(_) => {
                "The interpreter is simulated: it knows ten sentences in five languages, to be clicked on the page.\n\
                 With OPENAI_API_KEY it is a real one."
            }
            None => "The interpreter is OpenAI's; every minute of it costs money.",
        };
        format!(
            "{engine}\n\nOpen this twice, in two tabs or on two machines, and take the two parts of a call:\n\n  {}\n\n\
             A microphone needs https:// or localhost; for two machines set PUBLIC_URL to the https:// address of a proxy or \
             tunnel.\nCtrl-C ends it.",
            self.demo.address()
        )
    }

    /// Serves until `stop` is cancelled, then lets everybody go.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(self) -> anyhow::Result<()> {
        let router = http::router(Arc::clone(&self.hub)).merge(try_it::router(self.demo));
        let stop = self.stop.cancelled_owned();
        serve::serve_routes(self.hub, router, self.listener, stop, self.closing).await?;
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
        Ok(())
    }
}

/// Settings of a carrier that nobody is connected to. Its token is random, so that nobody can speak in its name.
fn carrier() -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut random = [0; 16];
    SysRng
        .try_fill_bytes(&mut random)
        .map_err(|_| anyhow!("the system has no randomness"))?;
    let token = format!("{:032x}", u128::from_be_bytes(random));
    Ok([
        ("AGENT_DIAL", "desk"),
        ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000"),
        ("TWILIO_AUTH_TOKEN", &token),
        ("TWILIO_AUTH_TOKEN_SECONDARY", ""),
        ("TWILIO_WEBHOOK_KEYS", ""),
        ("TWILIO_API_KEY_SID", ""),
        ("TWILIO_API_KEY_SECRET", ""),
        ("TWILIO_CALLER_NUMBER", "+15550100101"),
        // Nothing listens there.
        ("TWILIO_API_URL", "http://127.0.0.1:9"),
        ("RECORDS", "off"),
        ("DRAIN_SECONDS", "0"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec())
}
