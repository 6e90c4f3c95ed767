//! Many callers at the same moment: whatever order the outside reports things in, nobody is ever connected to a stranger.
//!
//! Each caller says a sentence that nobody else says, in a language of their own; each agent answers with a sentence that
//! nobody else says. Who was connected with whom is told from what they heard, not from ids.

#![allow(clippy::expect_used)]

mod common;

use std::time::Duration;

use common::people::{PAUSE, call_named, say, understood};
use common::{SOON, Stage};
use duologue::call::Side;
use duologue::sim::speech::Tongue;
use duologue::sim::twilio::{Accepted, Delivery, Party};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Numbers of three callers who share one, and of three who withhold theirs.
const NUMBERS: [&str; 6] = [
    "+15550100077",
    "+15550100077",
    "+15550100077",
    "anonymous",
    "anonymous",
    "anonymous",
];

/// What each caller says, and in which language.
const SAID: [(usize, Tongue); 6] = [
    (1, Tongue::Spanish),
    (3, Tongue::French),
    (5, Tongue::Mandarin),
    (7, Tongue::Hindi),
    (9, Tongue::Spanish),
    (0, Tongue::French),
];

/// What each agent answers, in the order in which they come.
const ANSWERED: [usize; 6] = [2, 4, 6, 8, 1, 3];

/// How the outside behaves while they call.
#[derive(Clone, Debug, Default)]
struct Weather {
    lanes: usize,
    /// Between one caller and the next, in milliseconds.
    gap_ms: u64,
    webhooks_twice: bool,
    loop_delay_ms: u64,
    callbacks: Delivery,
    events: Delivery,
    only_accepted: bool,
    accepted: Accepted,
    join_ms: u64,
}

fn weather() -> impl Strategy<Value = Weather> {
    let delivery = |losses: bool| {
        (any::<bool>(), any::<bool>(), 0..400_u64, any::<bool>()).prop_map(
            move |(doubled, swapped, ms, lost)| Delivery {
                doubled,
                swapped,
                delay: Duration::from_millis(ms),
                lost: lost && losses,
            },
        )
    };
    let accepted = prop_oneof![
        Just(Accepted::Once),
        Just(Accepted::Twice),
        Just(Accepted::BeforeStream),
        (0..1_500_u64).prop_map(|ms| Accepted::AfterStream(Duration::from_millis(ms))),
        (0..1_500_u64).prop_map(|ms| Accepted::Late(Duration::from_millis(ms))),
    ];
    let outside = (1..4_usize, 0..200_u64, any::<bool>(), 0..500_u64);
    // Events can come twice, late and in another order; without any acceptance there would be no conversation.
    let reports = (
        delivery(true),
        delivery(false),
        any::<bool>(),
        accepted,
        0..500_u64,
    );
    (outside, reports).prop_map(|(outside, reports)| {
        let (lanes, gap_ms, webhooks_twice, loop_delay_ms) = outside;
        let (callbacks, events, only_accepted, accepted, join_ms) = reports;
        Weather {
            lanes,
            gap_ms,
            webhooks_twice,
            loop_delay_ms,
            callbacks,
            events,
            only_accepted,
            accepted,
            join_ms,
        }
    })
}

impl Weather {
    fn falls_on(&self, stage: &Stage) {
        let faults = stage.carrier.faults();
        faults.webhooks_twice(self.webhooks_twice);
        faults.loop_delay(Duration::from_millis(self.loop_delay_ms));
        faults.callbacks(self.callbacks);
        faults.events(self.events);
        stage.carrier.agents().script(|script| {
            script.accepted = self.accepted;
            script.only_accepted = self.only_accepted;
            script.join_delay = Duration::from_millis(self.join_ms);
        });
    }
}

/// One caller's whole call: they talk once somebody is there, and go on until they have been answered.
async fn caller(stage: &Stage, caller: &Party, said: (usize, Tongue)) {
    let call = call_named(caller).await;
    stage.events.conversation(call).await;
    say(caller, said.0, said.1).await;
    stage.events.utterances(call, Side::Agent, 1).await;
    assert!(caller.quiet_for(PAUSE, SOON).await);
}

/// One agent's: they listen until they have heard a sentence, and answer.
async fn agent(stage: &Stage, answer: usize) -> Party {
    let agent = stage.agent().await;
    if !agent.wait_heard_audible(600, SOON).await {
        let task = agent.task_attributes().expect("a task");
        let call = task["duologue_call"].as_str().and_then(|id| id.parse().ok());
        let (events, agent) = (stage.events.so_far(call), agent.record());
        panic!("an agent hears nobody: {events:?}, {agent:?}");
    }
    assert!(agent.quiet_for(PAUSE, SOON).await);
    say(&agent, answer, Tongue::English).await;
    agent
}

async fn six_strangers(weather: Weather) {
    let numbers = ["+15550100111", "+15550100112"];
    let numbers = numbers[..weather.lanes - 1].join(",");
    // Who is connected to whom does not depend on the engine; this one is the lighter for two dozen calls in a debug build.
    let settings = [
        ("TWILIO_DIAL_NUMBERS", numbers.as_str()),
        ("INTERPRETER", "prompted"),
    ];
    let stage = Stage::set(&settings).await;
    weather.falls_on(&stage);
    let mut callers = Vec::new();
    for (number, (_, tongue)) in NUMBERS.into_iter().zip(SAID) {
        callers.push(stage.call_in(number, tongue.name()));
        tokio::time::sleep(Duration::from_millis(weather.gap_ms)).await;
    }
    let talking = callers
        .iter()
        .zip(SAID)
        .map(|(one, said)| caller(&stage, one, said));
    let agents = ANSWERED.map(|answer| agent(&stage, answer));
    let (_, agents) = tokio::join!(join_all(talking), join_all(agents));
    let leaving = callers.iter().map(|caller| caller.hang_up(SOON));
    join_all(leaving).await;
    for agent in &agents {
        assert!(agent.ended(SOON).await, "an agent is left behind, {weather:?}");
    }
    let mut served = Vec::new();
    for (agent, answer) in agents.iter().zip(ANSWERED) {
        let heard = understood(agent);
        let &[(phrase, Tongue::English)] = heard.as_slice() else {
            panic!("an agent heard {heard:?}, {weather:?}");
        };
        let index = SAID
            .iter()
            .position(|(said, _)| *said == phrase)
            .expect("said by a caller");
        assert_eq!(
            understood(&callers[index]),
            [(answer, SAID[index].1)],
            "{weather:?}"
        );
        served.push(index);
    }
    served.sort_unstable();
    assert_eq!(served, [0, 1, 2, 3, 4, 5], "{weather:?}");
    stage.strike().await;
}

#[tokio::test]
async fn six_strangers_with_two_numbers_between_them_are_never_confused() {
    let fair = Weather {
        lanes: 1,
        ..Weather::default()
    };
    let several_lanes = Weather {
        lanes: 3,
        ..Weather::default()
    };
    tokio::join!(six_strangers(fair), six_strangers(several_lanes));
}

#[tokio::test]
async fn doubled_swapped_and_delayed_reports_confuse_nobody() {
    let messy = Delivery {
        doubled: true,
        swapped: true,
        delay: Duration::from_millis(200),
        lost: false,
    };
    let twice = Weather {
        lanes: 1,
        webhooks_twice: true,
        callbacks: messy,
        events: messy,
        ..Weather::default()
    };
    let late = Weather {
        lanes: 2,
        loop_delay_ms: 700,
        callbacks: Delivery {
            lost: true,
            ..Delivery::default()
        },
        events: messy,
        accepted: Accepted::Twice,
        ..Weather::default()
    };
    tokio::join!(six_strangers(twice), six_strangers(late));
}

/// Eight sorts of weather, four at a time. Nothing is made smaller on a failure: the case is in the message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_things_connects_strangers() {
    let mut runner = TestRunner::default();
    for _ in 0..2 {
        let cases = [(); 4].map(|()| weather().new_tree(&mut runner).expect("a case").current());
        let playing = cases.map(|weather| tokio::spawn(six_strangers(weather)));
        for played in join_all(playing).await {
            played.expect("six calls as they should be");
        }
    }
}
