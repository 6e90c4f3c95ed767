//! What chance may write: the facts of a call, how most calls begin, and the world's script.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::call::{Control, Cure, EngineKind, Interpreter, Side, TaskEvent};
use crate::language::Language;

use super::conversation::Conversation;
use super::script::{Dialled, Script};
use super::typist::Fate;

/// Something that may happen, whether or not it makes sense then.
#[derive(Clone, Debug)]
pub enum Fact {
    Pause(u64),
    Says(Side, u64),
    BothSay(u64),
    /// Frames that come all at once.
    Burst(Side, u8),
    /// A frame that claims another place in its stream.
    Jump(Side, u32),
    Mute(Side, bool),
    HangUp(Side),
    Status(Side),
    Break(Side),
    CallerConnects,
    AgentConnects,
    Transfer,
    /// Somebody at the desk takes the call: the first of two, or the other.
    Take(bool),
    /// They come with what they were given last.
    TakerConnects,
    TakerGone(bool),
    Release,
    OldToken,
    ForeignToken,
    Accept,
    Match,
    Task(TaskEvent),
    SessionFails(Side, bool),
    /// Any of the open sessions fails: that in use, the next, or the one that leaves.
    AnyFails(usize),
    /// Sessions hear nothing from here on, or hear again.
    Deaf(bool),
    /// An engine cannot be had, for the moment or for good, or can be had again.
    Away(Option<(EngineKind, bool)>),
    /// A session's time is over.
    Renew(Side),
    Control(Control),
    Types(Side),
    Mark(Side, u32, u32),
    Webhook(Side),
    FirstWebhook,
    Stray(u32),
    ShutDown,
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Caller), Just(Side::Agent)]
}

fn engine() -> impl Strategy<Value = EngineKind> {
    prop_oneof![Just(EngineKind::Prompted), Just(EngineKind::Translate)]
}

/// Tamil is no language that the dedicated engine speaks.
fn control() -> impl Strategy<Value = Control> {
    let language = (0..4_usize)
        .prop_map(|n| Language::find(["spanish", "english", "french", "tamil"][n]).expect("a language"));
    prop_oneof![
        any::<bool>().prop_map(Control::Interpret),
        Just(Control::ToggleInterpretation),
        (side(), language).prop_map(|(side, language)| Control::Language { side, language }),
        Just(Control::HangUp),
        Just(Control::TurnAway),
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        8 => (0..3_000_u64).prop_map(Fact::Pause),
        // As long as an agent of the desk is kept.
        1 => (50_000..70_000_u64).prop_map(Fact::Pause),
        8 => (side(), 20..3_500_u64).prop_map(|(side, ms)| Fact::Says(side, ms)),
        2 => (20..2_500_u64).prop_map(Fact::BothSay),
        2 => (side(), 1..100_u8).prop_map(|(side, frames)| Fact::Burst(side, frames)),
        2 => (side(), any::<u32>()).prop_map(|(side, at)| Fact::Jump(side, at)),
        2 => (side(), any::<bool>()).prop_map(|(side, on)| Fact::Mute(side, on)),
        1 => side().prop_map(Fact::HangUp),
        1 => side().prop_map(Fact::Status),
        3 => side().prop_map(Fact::Break),
        2 => Just(Fact::CallerConnects),
        4 => Just(Fact::AgentConnects),
        2 => Just(Fact::Transfer),
        3 => any::<bool>().prop_map(Fact::Take),
        3 => Just(Fact::TakerConnects),
        1 => any::<bool>().prop_map(Fact::TakerGone),
        1 => Just(Fact::Release),
        1 => Just(Fact::OldToken),
        1 => Just(Fact::ForeignToken),
        4 => Just(Fact::Accept),
        3 => Just(Fact::Match),
        2 => prop_oneof![
            Just(TaskEvent::Offered),
            Just(TaskEvent::OfferEnded),
            Just(TaskEvent::TransferStarted),
        ].prop_map(Fact::Task),
        1 => Just(Fact::Task(TaskEvent::Canceled)),
        3 => (side(), prop::bool::weighted(0.9)).prop_map(|(side, heals)| Fact::SessionFails(side, heals)),
        3 => (0..6_usize).prop_map(Fact::AnyFails),
        1 => any::<bool>().prop_map(Fact::Deaf),
        2 => prop::option::of((engine(), prop::bool::weighted(0.8))).prop_map(Fact::Away),
        4 => side().prop_map(Fact::Renew),
        3 => control().prop_map(Fact::Control),
        4 => side().prop_map(Fact::Types),
        2 => (side(), 0..4_u32, 0..9_u32).prop_map(|(side, g, n)| Fact::Mark(side, g, n)),
        1 => side().prop_map(Fact::Webhook),
        1 => Just(Fact::FirstWebhook),
        1 => (0..9_u32).prop_map(Fact::Stray),
        1 => Just(Fact::ShutDown),
    ]
}

/// How most calls begin, so that chance gets as far as a conversation.
fn beginning() -> impl Strategy<Value = Vec<Fact>> {
    let joined = Just(vec![
        Fact::AgentConnects,
        Fact::Match,
        Fact::Accept,
        Fact::Pause(400),
    ])
    .prop_shuffle()
    .prop_map(|facts| {
        let mut all = vec![Fact::CallerConnects, Fact::Pause(300)];
        all.extend(facts);
        all.push(Fact::Pause(1_000));
        all
    });
    let handed_over = joined.clone().prop_map(|mut all| {
        all.extend([Fact::Transfer, Fact::Pause(500), Fact::AgentConnects]);
        all
    });
    let taken = Just(vec![
        Fact::CallerConnects,
        Fact::Pause(300),
        Fact::Take(true),
        Fact::TakerConnects,
        Fact::Pause(1_400),
    ]);
    prop_oneof![
        4 => joined,
        2 => taken,
        1 => handed_over,
        1 => Just(vec![Fact::CallerConnects]),
        1 => Just(Vec::new()),
    ]
}

fn message() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Fails),
        Just(Fate::Mute),
        Just(Fate::Stalls),
        Just(Fate::Lost),
    ]
}

fn dialled() -> impl Strategy<Value = Dialled> {
    prop_oneof![
        Just(Conversation::busy()),
        any::<bool>().prop_map(Conversation::unclear)
    ]
}

prop_compose! {
    fn script()(
        dials in prop_oneof![3 => Just(Vec::new()), 1 => vec(dialled(), 0..3)],
        dial_ms in 0..800_u64,
        looks in vec(prop_oneof![Just(Ok(true)), Just(Ok(false)), Just(Err(()))], 0..3),
        grants_lane in prop::bool::weighted(0.95),
        ready in [prop::option::weighted(0.9, 0..1_500_u64), prop::option::weighted(0.9, 0..1_500_u64)],
        failing in [prop_oneof![4 => Just(0), 1 => 1..5_u32], prop_oneof![4 => Just(0), 1 => 1..5_u32]],
        think_ms in 0..2_500_u64,
        answer_ms in 0..7_000_u64,
        messages in vec(prop::option::of(message()), 0..4),
        typists_failing in prop_oneof![4 => Just(0), 1 => 1..5_u32],
        completes in vec(any::<bool>(), 0..3),
        asks in prop::bool::weighted(0.8),
        returns in prop::bool::weighted(0.8),
        echoes in prop::bool::weighted(0.8),
    ) -> Script {
        Script {
            reached: true,
            dials: dials.into(),
            dial_ms,
            looks: looks.into(),
            grants_lane,
            ready_ms: ready,
            failing,
            think_ms,
            answer_ms,
            messages: messages.into(),
            message_ms: 900,
            typists_failing,
            typists_cure: Cure::Again,
            away: None,
            deaf: false,
            completes: completes.into(),
            live: Some(true),
            asks,
            returns,
            echoes,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Play {
    pub script: Script,
    pub interpreter: Interpreter,
    pub same_language: bool,
    pub full: bool,
    pub client: bool,
    /// Calls are taken at the desk.
    pub desk: bool,
    pub must_confirm: bool,
    pub facts: Vec<Fact>,
    /// The caller hangs up in the end, or else the program closes.
    pub caller_ends: bool,
}

prop_compose! {
    pub fn play()(
        script in script(),
        interpreter in prop_oneof![Just(Interpreter::Prompted), Just(Interpreter::Auto)],
        same_language in prop::bool::weighted(0.1),
        full in prop::bool::weighted(0.3),
        client in prop::bool::weighted(0.2),
        desk in prop::bool::weighted(0.3),
        must_confirm in any::<bool>(),
        begin in beginning(),
        middle in vec(fact(), 0..16),
        caller_ends in prop::bool::weighted(0.8),
    ) -> Play {
        let facts = begin.into_iter().chain(middle).collect();
        Play { script, interpreter, same_language, full, client, desk, must_confirm, facts, caller_ends }
    }
}
