//! What cannot be provoked from outside: a failure inside one call's task, and controls that no webhook brings.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Hub;
use super::post::Post;
use crate::call::event::Event;
use crate::call::outcome::Reason;
use crate::call::{CallId, Control};
use crate::commands::serve::serve;
use crate::config::Config;
use crate::language::Language;
use crate::phrase::Phrase;
use crate::sim::twilio::{CarrierOptions, CarrierSim, Party};

const SOON: Duration = Duration::from_secs(20);

/// The program with a softphone, and interpreters that nobody needs since everybody speaks English.
async fn program(carrier: &CarrierSim, options: &CarrierOptions) -> (Arc<Hub>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let public = format!("http://{}", listener.local_addr().expect("an address"));
    let api = carrier.api_url();
    let settings = [
        ("PUBLIC_URL", public.as_str()),
        ("TWILIO_ACCOUNT_SID", &options.account_sid),
        ("TWILIO_AUTH_TOKEN", &options.auth_token),
        ("TWILIO_CALLER_NUMBER", "+15550100101"),
        ("TWILIO_API_URL", &api),
        ("AGENT_DIAL", "client:ana"),
        ("OPENAI_API_KEY", "unused"),
    ];
    let setting = |name: &str| settings.iter().find(|(known, _)| *known == name);
    let config = Config::read(&|name| setting(name).map(|(_, value)| (*value).to_owned()));
    let hub = Hub::new(Arc::new(config.expect("settings"))).expect("a hub");
    let forever = CancellationToken::new().cancelled_owned();
    tokio::spawn(serve(Arc::clone(&hub), listener, forever));
    (hub, public)
}

async fn talking(carrier: &CarrierSim, public: &str) -> (Party, Party, CallId) {
    let url = format!("{public}/incoming-call?lang=english");
    let caller = carrier.call_in("+15550100042", "+15550100100", &url);
    let agent = carrier.next_agent(SOON).await.expect("an agent");
    assert!(agent.until(SOON, |record| record.streams == 1).await);
    let document = caller.twiml().concat();
    let (_, rest) = document.split_once("call=").expect("a call");
    (caller, agent, rest[..32].parse().expect("an id"))
}

#[tokio::test]
async fn a_failure_inside_one_call_is_told_to_both_and_harms_no_other() {
    let options = CarrierOptions::default();
    let carrier = CarrierSim::start(options.clone()).await.expect("a carrier");
    let (hub, public) = program(&carrier, &options).await;
    let (bystander, other_agent, _) = talking(&carrier, &public).await;
    let (caller, agent, call) = talking(&carrier, &public).await;
    hub.post(call, Post::Panic);
    let within = Reason::Internal.told_within();
    let (sorry, _) = Phrase::Trouble.spoken_in(Language::english());
    for party in [&caller, &agent] {
        assert!(party.ended(within).await, "{party:?}");
        let said = party.said();
        assert_eq!(said.last().map(|said| said.text.as_str()), Some(sorry));
    }
    assert!(hub.metrics.page(0).contains("reason=\"internal\"} 1"));
    assert_eq!(hub.counts(), (1, 1));
    bystander.speak(&[0x10; 1_600]);
    let before = other_agent.audible_ms();
    assert!(
        other_agent.wait_heard_audible(before + 200, SOON).await,
        "the other call goes on"
    );
    carrier.stop().await;
}

#[tokio::test]
async fn a_live_call_is_controlled_from_outside_and_another_is_not() {
    let options = CarrierOptions::default();
    let carrier = CarrierSim::start(options.clone()).await.expect("a carrier");
    let (hub, public) = program(&carrier, &options).await;
    let (_caller, _agent, call) = talking(&carrier, &public).await;
    let mut told = hub.listen();
    let control = Control::ToggleInterpretation;
    assert!(!hub.control(CallId::from_bytes([9; 16]), control));
    assert!(hub.control(call, control));
    let obeyed = async {
        while !matches!(told.recv().await, Ok(told) if told.call == call && told.event == Event::Controlled { control })
        {
        }
    };
    tokio::time::timeout(SOON, obeyed).await.expect("the call obeys");
    carrier.stop().await;
}
