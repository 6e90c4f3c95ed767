//! The stage of the demo: the simulated carrier, the simulated engine, and the program itself between them.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::commands::serve::serve;
use crate::config::Config;
use crate::hub::Hub;
use crate::sim::openai::{EngineOptions, EngineSim};
use crate::sim::twilio::{CarrierOptions, CarrierSim};

/// The numbers of the play; 555-01xx is reserved for fiction.
pub const CALLER: &str = "+15550100042";
const SERVICE: &str = "+15550100100";
const DIALLED_FROM: &str = "+15550100101";
const FLEX: &str = "+15550100102";

/// Everything that a simulated call needs, running on loopback.
pub struct Stage {
    pub hub: Arc<Hub>,
    pub carrier: CarrierSim,
    pub engine: EngineSim,
    pub public: String,
    stop: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    /// Starts the simulators and the program.
    ///
    /// # Errors
    /// A port cannot be bound.
    pub async fn set(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("cannot listen on loopback")?;
        let public = format!("http://{}", listener.local_addr()?);
        let options = CarrierOptions {
            say_ms_per_char: 25,
            ..CarrierOptions::default()
        };
        let (account_sid, auth_token) = (options.account_sid.clone(), options.auth_token.clone());
        let carrier = CarrierSim::start(options).await?;
        let options = EngineOptions::default();
        let key = options.api_key.clone();
        let engine = EngineSim::start(options).await?;
        let (api, base) = (carrier.api_url(), engine.base_url());
        let required = [
            ("PUBLIC_URL", public.as_str()),
            ("TWILIO_ACCOUNT_SID", &account_sid),
            ("TWILIO_AUTH_TOKEN", &auth_token),
            ("TWILIO_CALLER_NUMBER", DIALLED_FROM),
            ("TWILIO_FLEX_NUMBER", FLEX),
            ("TWILIO_FLEX_WORKFLOW_SID", "WW00000000000000000000000000000001"),
            ("TWILIO_API_URL", &api),
            ("OPENAI_API_KEY", &key),
            ("OPENAI_BASE_URL", &base),
        ];
        let config = Config::read(&|name| {
            let found = settings.iter().chain(&required).find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let config = config.map_err(|mistakes| anyhow!("the demo's own settings are wrong: {mistakes:?}"))?;
        carrier.configure_number(FLEX, &format!("{public}/outbound-call"));
        carrier.set_taskrouter_url(&format!("{public}/reservation-accepted"));
        let hub = Hub::new(Arc::new(config))?;
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(Arc::clone(&hub), listener, stop.clone().cancelled_owned()));
        Ok(Self {
            hub,
            carrier,
            engine,
            public,
            stop,
            server,
        })
    }

    /// A caller dials the service and chooses a language.
    pub fn call_in(&self, from: &str, language: &str) -> crate::sim::twilio::Party {
        self.carrier.call_in(
            from,
            SERVICE,
            &format!("{}/incoming-call?lang={language}", self.public),
        )
    }

    /// Stops the program in its orderly way, then the simulators.
    ///
    /// # Errors
    /// The program did not stop well.
    pub async fn strike(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.server.await??;
        self.engine.stop().await;
        self.carrier.stop().await;
        Ok(())
    }
}
