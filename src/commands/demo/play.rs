//! The play: who says what, and the transcript as it happens.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::stage::{CALLER, Stage};
use crate::call::Side;
use crate::call::event::{Event, Utterance};
use crate::call::outcome::Reason;
use crate::hub::Told;
use crate::sim::speech::{self, Role, Tongue};
use crate::sim::twilio::Party;

/// The sentences of the phrase book that make a short conversation.
const SCRIPT: [usize; 6] = [0, 1, 2, 3, 6, 7];

/// No step of the play takes longer, unless something is broken.
const STEP_MAX: Duration = Duration::from_secs(20);

/// A listener who has heard nothing for this long has heard the sentence to its end.
const PAUSE: Duration = Duration::from_millis(700);

/// Longer than the agent's first second, which is left out.
const BEEPS: Duration = Duration::from_millis(1_200);

/// What happened, for the files and the verdict.
pub struct Played {
    pub caller: Recording,
    pub agent: Recording,
    /// When the conversation began, in milliseconds since the caller dialled.
    pub conversation_ms: u64,
    pub ended: Reason,
}

/// One party's side of it.
pub struct Recording {
    pub name: &'static str,
    /// µ-law of what the party heard, from `offset_ms` on.
    pub heard: Vec<u8>,
    /// When this party's call began, in milliseconds since the caller dialled.
    pub offset_ms: u64,
    pub said: Vec<Said>,
}

/// One sentence that a party said.
pub struct Said {
    pub phrase: usize,
    pub from_ms: u64,
    pub to_ms: u64,
}

/// The two people on the line, and the clock of the play.
struct Cast {
    caller: Party,
    agent: Party,
    told: Receiver<Told>,
    epoch: Instant,
}

/// Plays the call from the first ring to the last goodbye.
pub async fn run(stage: &Stage) -> anyhow::Result<Played> {
    let mut cast = Cast::assemble(stage).await?;
    wait_for(&mut cast.told, |event| {
        matches!(event, Event::Conversation).then_some(())
    })
    .await?;
    let conversation_ms = cast.now_ms();
    step("An agent has accepted. They talk:\n");
    let (by_caller, by_agent) = cast.talk().await?;
    step("\nThe caller hangs up.");
    let ended = cast.part().await?;
    let agent_offset = cast.agent.started_at().duration_since(cast.epoch);
    Ok(Played {
        caller: Recording {
            name: "caller",
            heard: cast.caller.heard(),
            offset_ms: 0,
            said: by_caller,
        },
        agent: Recording {
            name: "agent",
            heard: cast.agent.heard(),
            offset_ms: agent_offset.as_millis() as u64,
            said: by_agent,
        },
        conversation_ms,
        ended,
    })
}

impl Cast {
    /// The caller dials and waits; an agent is found.
    async fn assemble(stage: &Stage) -> anyhow::Result<Self> {
        stage.carrier.agents().script(|script| {
            script.offer_delay = Duration::from_millis(800);
            script.accept_delay = Duration::from_millis(1_500);
            script.join_delay = Duration::from_millis(600);
        });
        let told = stage.hub.listen();
        step("The caller dials, hears a sentence in Spanish, and waits with hold audio.");
        let caller = stage.call_in(CALLER, "spanish");
        let agent = stage.carrier.next_agent(STEP_MAX).await;
        let agent = agent.context("no agent came on the line")?;
        let epoch = caller.started_at();
        Ok(Self {
            caller,
            agent,
            told,
            epoch,
        })
    }

    fn now_ms(&self) -> u64 {
        self.epoch.elapsed().as_millis() as u64
    }

    /// They say their sentences in turn; what the caller and what the agent said comes back.
    async fn talk(&mut self) -> anyhow::Result<(Vec<Said>, Vec<Said>)> {
        println!("  {:<46}  {:<46}  delay", "caller (Spanish)", "agent (English)");
        // The agent's first second is not interpreted: their desktop beeps then.
        self.agent.quiet_for(BEEPS, STEP_MAX).await;
        let (mut by_caller, mut by_agent) = (Vec::new(), Vec::new());
        for phrase in SCRIPT {
            let (speaker, listener, tongue, said) = match speech::phrase(phrase).speaker {
                Role::Caller => (&self.caller, &self.agent, Tongue::Spanish, &mut by_caller),
                Role::Agent => (&self.agent, &self.caller, Tongue::English, &mut by_agent),
            };
            let length_ms = speech::clip(phrase, tongue).len() as u64 / 8;
            speak(speaker, phrase, tongue).await?;
            let to_ms = self.epoch.elapsed().as_millis() as u64;
            let from_ms = to_ms.saturating_sub(length_ms);
            said.push(Said {
                phrase,
                from_ms,
                to_ms,
            });
            let utterance = wait_for(&mut self.told, |event| match event {
                Event::Utterance(utterance) => Some(utterance.clone()),
                _ => None,
            });
            show(&utterance.await?);
            listener.quiet_for(PAUSE, STEP_MAX).await;
        }
        Ok((by_caller, by_agent))
    }

    /// The caller hangs up, and the agent is told.
    async fn part(&mut self) -> anyhow::Result<Reason> {
        self.caller.hang_up(STEP_MAX).await;
        let ended = wait_for(&mut self.told, |event| match event {
            Event::Ended { outcome, .. } => Some(outcome.reason),
            _ => None,
        });
        let ended = ended.await?;
        if !self.agent.ended(STEP_MAX).await {
            bail!("the agent's call did not end");
        }
        for said in self.agent.said() {
            step(&format!("The agent is told: {}", said.text));
        }
        Ok(ended)
    }
}

fn step(text: &str) {
    println!("{text}");
}

async fn speak(party: &Party, phrase: usize, tongue: Tongue) -> anyhow::Result<()> {
    party.speak(speech::clip(phrase, tongue));
    if !party.spoken(STEP_MAX).await {
        bail!("a sentence was not spoken to its end");
    }
    Ok(())
}

/// One row: what was said on the speaker's side, what was heard on the other's.
fn show(utterance: &Utterance) {
    let (source, target) = (utterance.source.as_str(), utterance.target.as_str());
    let (left, right, arrow) = match utterance.speaker {
        Some(Side::Agent) => (target, source, '◄'),
        Some(Side::Caller) | None => (source, target, '►'),
    };
    let delay = match (utterance.stopped, utterance.first_sent) {
        (Some(stopped), Some(sent)) => format!("{:.2} s", sent.since(stopped).as_secs_f64()),
        _ => "?".to_owned(),
    };
    println!("  {} {arrow}{}  {delay}", pad(left, 46), pad(right, 46));
}

fn pad(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length > width {
        return text.chars().take(width - 1).chain(['…']).collect();
    }
    text.chars()
        .chain(std::iter::repeat_n(' ', width - length))
        .collect()
}

/// Waits until a call tells what `wanted` looks for.
async fn wait_for<T>(
    told: &mut Receiver<Told>,
    mut wanted: impl FnMut(&Event) -> Option<T>,
) -> anyhow::Result<T> {
    let waiting = async {
        loop {
            match told.recv().await {
                Ok(told) => {
                    if let Some(found) = wanted(&told.event) {
                        return Ok(found);
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => bail!("the program has stopped"),
            }
        }
    };
    tokio::time::timeout(STEP_MAX, waiting)
        .await
        .context("the call did not go on")?
}
