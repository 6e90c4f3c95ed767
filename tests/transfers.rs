//! Handing a call to another agent: the caller goes on being understood, and nobody hears a stranger.

#![allow(clippy::expect_used)]

mod common;

use std::time::Duration;

use common::people::{PAUSE, Talk, say, understood, was_told};
use common::{SOON, Stage};
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::call::{CallId, Side};
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::{Answer, CarrierSim, Delivery, Direction, Party, RestFault, RestOp};

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;

const ANA: (&str, &str) = ("AGENT_DIAL", "client:ana");

async fn saw(stage: &Stage, call: CallId, what: &str, event: Event) {
    stage.events.saw(call, what, 1, |seen| *seen == event).await;
}

/// The next agent answers and takes over, with the first second, which is not interpreted, behind them.
async fn next_agent(stage: &Stage, talk: &mut Talk) -> Party {
    let agent = stage.agent().await;
    saw(stage, talk.call, "takeover", Event::Transferred).await;
    agent.speak(&[0xFF; 8 * 1_100]);
    assert!(agent.spoken(SOON).await);
    std::mem::replace(&mut talk.agent, agent)
}

/// Every call that was placed for our callers is over.
async fn nobody_rings(stage: &Stage) {
    let over = |carrier: &CarrierSim| {
        let mut placed = carrier.calls().into_iter();
        placed.all(|call| call.direction != Direction::OutboundApi || call.status.is_final())
    };
    assert!(
        stage.carrier.until(SOON, over).await,
        "{:?}",
        stage.carrier.calls()
    );
}

#[tokio::test]
async fn a_caller_is_understood_by_the_first_agent_and_by_the_second() {
    let stage = Stage::set(&[ANA]).await;
    let mut talk = stage.talk(ES).await;
    stage.exchange(&talk, 1, 2).await;
    assert!(stage.hub.transfer(talk.call, "bo"));
    let ana = next_agent(&stage, &mut talk).await;
    assert!(ana.ended(SOON).await, "the first agent is let go");
    stage.exchange(&talk, 3, 4).await;
    stage.part(&talk).await;
    assert_eq!(understood(&ana), [(1, EN)]);
    assert_eq!(understood(&talk.agent), [(3, EN)]);
    assert_eq!(understood(&talk.caller), [(2, ES), (4, ES)]);
    let requests = stage.carrier.requests();
    let dialled = requests.iter().filter(|one| one.path.ends_with("/Calls.json"));
    let dialled: Vec<_> = dialled.filter_map(|one| one.param("To")).collect();
    assert_eq!(dialled, ["client:ana", "client:bo"]);
    let (reason, totals) = stage.events.ended(talk.call).await;
    assert_eq!(reason, Reason::CallerHungUp);
    assert_eq!((totals.lost, totals.sessions), ([0, 0], [1, 1]));
    assert_eq!(totals.utterances, [2, 2]);
    assert!(was_told(&talk.agent, Phrase::Goodbye, Language::english()));
    nobody_rings(&stage).await;
    stage.strike().await;
}

/// A transfer to a softphone that does this: the two who talk go on talking.
async fn comes_to_nothing(answer: Answer, fault: Option<RestFault>) {
    let stage = Stage::set(&[ANA, ("AGENT_WAIT_SECONDS", "5")]).await;
    let talk = stage.talk(ES).await;
    stage.carrier.agents().script(|script| {
        script.answer = answer;
        script.ring = Duration::from_secs(1);
    });
    if let Some(fault) = fault {
        stage.carrier.faults().rest(RestOp::Create, 1, fault);
    }
    assert!(stage.hub.transfer(talk.call, "bo"));
    let failed = |event: &Event| matches!(event, Event::TransferFailed { .. });
    stage.events.saw(talk.call, "failed transfer", 1, failed).await;
    stage.exchange(&talk, 1, 2).await;
    nobody_else_rings(&stage, &talk).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)], "{answer:?}, {fault:?}");
    assert_eq!(understood(&talk.caller), [(2, ES)], "{answer:?}, {fault:?}");
    stage.strike().await;
}

async fn nobody_else_rings(stage: &Stage, talk: &Talk) {
    let over = |carrier: &CarrierSim| {
        let calls = carrier.calls().into_iter();
        let placed = calls.filter(|call| call.direction == Direction::OutboundApi);
        let mut others = placed.filter(|call| call.sid != talk.agent.call_sid());
        others.all(|call| call.status.is_final())
    };
    assert!(stage.carrier.until(SOON, over).await);
}

#[tokio::test]
async fn a_transfer_that_nobody_takes_harms_nobody() {
    let error = |status, done| Some(RestFault::Error { status, done });
    tokio::join!(
        comes_to_nothing(Answer::Busy, None),
        comes_to_nothing(Answer::Unknown, None),
        comes_to_nothing(Answer::Ignore, None),
        comes_to_nothing(Answer::PickUp, error(400, false)),
        // The softphone rings although the carrier has failed.
        comes_to_nothing(Answer::PickUp, error(500, true)),
    );
}

#[tokio::test]
async fn an_agent_may_hang_up_before_the_next_one_answers() {
    let stage = Stage::set(&[ANA]).await;
    let mut talk = stage.talk(ES).await;
    stage.sentence(&talk, Side::Agent, 2).await;
    let ring = Duration::from_secs(2);
    stage.carrier.agents().script(|script| script.ring = ring);
    assert!(stage.hub.transfer(talk.call, "bo"));
    saw(&stage, talk.call, "dial", Event::Transferring { to: "bo".into() }).await;
    assert!(talk.agent.hang_up(SOON).await);
    // What the caller says to nobody is the next agent's to hear.
    say(&talk.caller, 1, ES).await;
    let ana = next_agent(&stage, &mut talk).await;
    stage.events.utterances(talk.call, Side::Caller, 1).await;
    stage.sentence(&talk, Side::Agent, 4).await;
    assert!(talk.agent.quiet_for(PAUSE, SOON).await);
    stage.part(&talk).await;
    assert_eq!(
        (understood(&ana), understood(&talk.agent)),
        (vec![], vec![(1, EN)])
    );
    assert_eq!(understood(&talk.caller), [(2, ES), (4, ES)]);
    assert_eq!(stage.ended(talk.call).await, Reason::CallerHungUp);
    nobody_rings(&stage).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_takes_the_transfer_along() {
    let stage = Stage::set(&[ANA]).await;
    let talk = stage.talk(ES).await;
    stage
        .carrier
        .agents()
        .script(|script| script.answer = Answer::Ignore);
    assert!(stage.hub.transfer(talk.call, "bo"));
    saw(&stage, talk.call, "dial", Event::Transferring { to: "bo".into() }).await;
    stage.part(&talk).await;
    nobody_rings(&stage).await;
    stage.strike().await;
}

#[tokio::test]
async fn what_cannot_be_handed_over_is_refused_at_once() {
    let stage = Stage::set(&[ANA]).await;
    let talk = stage.talk(ES).await;
    let unknown: CallId = "0".repeat(32).parse().expect("an id");
    assert!(!stage.hub.transfer(unknown, "bo"));
    for nonsense in ["", "bo bo", "bo&To=+15550100199", "client:bo", &"b".repeat(200)] {
        assert!(!stage.hub.transfer(talk.call, nonsense), "{nonsense}");
    }
    stage.part(&talk).await;
    stage.strike().await;
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(ES).await;
    assert!(
        !stage.hub.transfer(talk.call, "bo"),
        "the queue hands over by itself"
    );
    stage.part(&talk).await;
    stage.strike().await;
}

#[tokio::test]
async fn the_task_queue_hands_over_on_the_same_line() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(ES).await;
    let bob = talk.agent.transfer("bob", Duration::from_millis(500)).await;
    let bob = bob.expect("an agent of the queue");
    saw(&stage, talk.call, "handing over", Event::TransferStarted).await;
    let worker = Some("bob".to_owned());
    saw(&stage, talk.call, "acceptance", Event::Accepted { worker }).await;
    bob.speak(&[0xFF; 8 * 1_100]);
    assert!(bob.spoken(SOON).await);
    stage.exchange(&talk, 1, 2).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.caller), [(2, ES)]);
    stage.strike().await;
}

#[tokio::test]
async fn late_and_double_reports_and_a_carrier_that_fails_at_first_confuse_nobody() {
    let stage = Stage::set(&[ANA]).await;
    let mut talk = stage.talk(ES).await;
    let faults = stage.carrier.faults();
    faults.callbacks(Delivery {
        doubled: true,
        delay: Duration::from_secs(1),
        ..Delivery::default()
    });
    // The dial is never answered, so the stream has to settle it; the old agent's call cannot be ended at first.
    faults.rest(RestOp::Create, 1, RestFault::Hang { done: true });
    let broken = RestFault::Error {
        status: 503,
        done: false,
    };
    faults.rest(RestOp::Update, 1, broken);
    assert!(stage.hub.transfer(talk.call, "bo"));
    let ana = next_agent(&stage, &mut talk).await;
    stage.exchange(&talk, 3, 4).await;
    assert!(ana.ended(SOON).await);
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(3, EN)]);
    assert_eq!(understood(&talk.caller), [(4, ES)]);
    nobody_rings(&stage).await;
    stage.strike().await;
}
