//! The stage of the wire tests: both simulators, and the program between them, all on loopback.
//!
//! A test sets a stage, lets people talk, and looks at what each of them heard. What it waits for is an event of a call, of a
//! party or of the carrier, never a span of time. Each test file uses a part of this.

#![allow(dead_code, clippy::expect_used)]

pub mod events;
pub mod page;
pub mod people;
pub mod program;
pub mod recital;
pub mod seat;
pub mod sound;

use std::sync::Arc;
use std::time::Duration;

use duologue::call::CallId;
use duologue::call::outcome::Reason;
use duologue::commands::serve::{desk, keeper, serve_with};
use duologue::config::Config;
use duologue::desk::Desk;
use duologue::hub::Hub;
use duologue::records::writer::Writer;
use duologue::sim::openai::{EngineOptions, EngineSim};
use duologue::sim::speech::{self, Tongue};
use duologue::sim::twilio::{CarrierOptions, CarrierSim, Party};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use events::Events;

/// Numbers of the play; 555-01xx is reserved for fiction.
pub const CALLER: &str = "+15550100042";
pub const SERVICE: &str = "+15550100100";
pub const LANE: &str = "+15550100101";
pub const FLEX: &str = "+15550100102";

/// Whatever does not happen within this time does not happen.
pub const SOON: Duration = Duration::from_secs(30);

/// What a stage is made of.
#[derive(Default)]
pub struct Plan<'a> {
    /// Settings of the program, before those that every stage has.
    pub settings: Vec<(&'a str, &'a str)>,
    pub carrier: CarrierOptions,
    pub engine: EngineOptions,
}

impl<'a> Plan<'a> {
    pub fn with(settings: &[(&'a str, &'a str)]) -> Self {
        Self {
            settings: settings.to_vec(),
            ..Self::default()
        }
    }
}

/// Both simulators and the program.
pub struct Stage {
    pub hub: Arc<Hub>,
    pub carrier: CarrierSim,
    pub engine: EngineSim,
    /// There is one if the plan names a database.
    pub desk: Option<Arc<Desk>>,
    pub events: Events,
    /// The program's own URL, without a slash at the end.
    pub public: String,
    stop: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
    records: Option<Writer>,
}

/// The settings that every program on a stage has.
pub fn settings(
    public: &str,
    carrier: (&CarrierSim, &CarrierOptions),
    engine: (&EngineSim, &str),
) -> Vec<(String, String)> {
    let (carrier, options) = carrier;
    let (engine, key) = engine;
    [
        ("PUBLIC_URL", public),
        ("TWILIO_ACCOUNT_SID", &options.account_sid),
        ("TWILIO_AUTH_TOKEN", &options.auth_token),
        ("TWILIO_CALLER_NUMBER", LANE),
        ("TWILIO_FLEX_NUMBER", FLEX),
        ("TWILIO_FLEX_WORKFLOW_SID", "WW00000000000000000000000000000001"),
        ("TWILIO_API_URL", &carrier.api_url()),
        ("OPENAI_API_KEY", key),
        ("OPENAI_BASE_URL", &engine.base_url()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Tells the carrier where the program is.
pub fn introduce(carrier: &CarrierSim, public: &str) {
    carrier.configure_number(FLEX, &format!("{public}/outbound-call"));
    carrier.set_taskrouter_url(&format!("{public}/reservation-accepted"));
}

/// Makes the recogniser's templates now. It takes half a second, once; in the middle of a sentence that would be a gap.
pub fn warm_up() {
    let sound = speech::clip(0, Tongue::English);
    assert!(speech::recognise(sound).is_some());
}

impl Stage {
    /// A stage whose program has these settings beside the usual ones.
    pub async fn set(settings: &[(&str, &str)]) -> Self {
        Self::build(Plan::with(settings)).await
    }

    pub async fn build(plan: Plan<'_>) -> Self {
        warm_up();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let public = format!("http://{address}");
        let carrier = CarrierSim::start(plan.carrier.clone()).await.expect("a carrier");
        let key = plan.engine.api_key.clone();
        let engine = EngineSim::start(plan.engine).await.expect("an engine");
        let usual = settings(&public, (&carrier, &plan.carrier), (&engine, &key));
        let config = Config::read(&|name| {
            let own = plan.settings.iter().find(|(known, _)| *known == name);
            own.map(|(_, value)| (*value).to_owned()).or_else(|| {
                let usual = usual.iter().find(|(known, _)| known == name);
                usual.map(|(_, value)| value.clone())
            })
        });
        introduce(&carrier, &public);
        let config = config.expect("settings");
        // No test leaves a database behind, unless it asks for one.
        let kept = plan.settings.iter().any(|(name, _)| *name == "DATABASE_URL");
        let keeper = kept.then(|| keeper(&config).expect("a keeper")).flatten();
        let (keeper, records) = keeper.unzip();
        let hub = Hub::keeping(Arc::new(config), keeper).expect("a hub");
        let desk = kept.then(|| desk(&hub).expect("a desk")).flatten();
        let stop = CancellationToken::new();
        let serving = serve_with(
            Arc::clone(&hub),
            desk.clone(),
            listener,
            stop.clone().cancelled_owned(),
        );
        Self {
            events: Events::of(&hub),
            hub,
            carrier,
            engine,
            desk,
            public,
            stop,
            server: tokio::spawn(serving),
            records,
        }
    }

    /// Somebody dials the service and has chosen this language.
    pub fn call_in(&self, from: &str, language: &str) -> Party {
        let url = self.url(&format!("/incoming-call?lang={language}"));
        self.carrier.call_in(from, SERVICE, &url)
    }

    /// Our own URL for a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public)
    }

    /// The URL of the media streams.
    pub fn stream_url(&self) -> String {
        self.url("/intercept").replacen("http", "ws", 1)
    }

    /// The next agent on the line.
    pub async fn agent(&self) -> Party {
        self.carrier.next_agent(SOON).await.expect("an agent on the line")
    }

    /// How the call ended, once it has.
    pub async fn ended(&self, call: CallId) -> Reason {
        self.events.ended(call).await.0
    }

    /// Nothing is open any more: no call, no session.
    pub async fn is_empty(&self) -> bool {
        let empty = async {
            let mut step = tokio::time::interval(Duration::from_millis(20));
            while self.hub.counts() != (0, 0) || self.engine.open_sessions() > 0 {
                step.tick().await;
            }
        };
        tokio::time::timeout(SOON, empty).await.is_ok()
    }

    /// Asks the program to stop in its orderly way, without waiting for it.
    pub fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    /// Stops the program in its orderly way and the simulators after it; nothing may be left open.
    pub async fn strike(self) {
        assert!(
            self.is_empty().await,
            "calls {:?}, sessions {}",
            self.hub.counts(),
            self.engine.open_sessions()
        );
        self.stop.cancel();
        self.server.await.expect("no panic").expect("an orderly end");
        if let Some(records) = self.records {
            let finished = tokio::task::spawn_blocking(|| records.finish());
            finished.await.expect("records are kept");
        }
        self.engine.stop().await;
        self.carrier.stop().await;
    }
}
