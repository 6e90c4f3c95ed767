//! Two people on the phone: getting them together, letting them speak, and telling what they heard.

use std::time::Duration;

use duologue::audio::tone;
use duologue::call::{CallId, Side};
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::{self, Tongue};
use duologue::sim::twilio::Party;

use super::{CALLER, SOON, Stage};

/// A listener who has heard nothing for this long has heard the sentence to its end.
pub const PAUSE: Duration = Duration::from_millis(500);

/// A caller and an agent who talk.
pub struct Talk {
    pub call: CallId,
    pub caller: Party,
    pub agent: Party,
    pub tongue: Tongue,
}

/// The call that a caller's documents name.
pub fn call_of(party: &Party) -> Option<CallId> {
    let documents = party.twiml();
    let (_, rest) = documents.first()?.split_once("call=")?;
    rest.get(..32)?.parse().ok()
}

/// The call that a caller's documents name, once there is one.
pub async fn call_named(party: &Party) -> CallId {
    assert!(
        party.until(SOON, |record| !record.twiml.is_empty()).await,
        "a document"
    );
    call_of(party).expect("a call in the document")
}

/// Cuts somebody's stream. The carrier counts a stream a step before it obeys commands about it.
pub async fn cut_stream(party: &Party) {
    let cut = async {
        while !party.drop_stream() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(SOON, cut).await.is_ok(), "no stream to cut");
}

/// What somebody understood from the sound alone.
pub fn understood(party: &Party) -> Vec<(usize, Tongue)> {
    let heard = speech::recognise_all(&party.heard());
    heard.into_iter().map(|one| (one.id, one.tongue)).collect()
}

/// Somebody says a phrase to its end.
pub async fn say(party: &Party, phrase: usize, tongue: Tongue) {
    party.speak(speech::clip(phrase, tongue));
    assert!(party.spoken(SOON).await, "{phrase} is spoken");
}

/// Whether the tone before an original voice was played to somebody.
pub fn heard_tone(party: &Party) -> bool {
    contains(&party.heard(), &tone::ORIGINAL[160..1_280])
}

/// Whether a sound, of some frames, occurs in a recording at any place.
pub fn contains(heard: &[u8], sound: &[u8]) -> bool {
    heard.windows(sound.len()).any(|window| window == sound)
}

/// Whether somebody was told a sentence of ours in their language and voice.
pub fn was_told(party: &Party, phrase: Phrase, language: &'static Language) -> bool {
    let (text, say) = phrase.spoken_in(language);
    let say = say.expect("a voice");
    party.said().iter().any(|said| {
        said.text == text
            && said.language.as_deref() == Some(say.language)
            && said.voice.as_deref() == Some(say.voice)
    })
}

impl Stage {
    /// A caller and an agent, connected, with the agent's first second, which is not interpreted, behind them.
    pub async fn talk(&self, tongue: Tongue) -> Talk {
        let caller = self.call_in(CALLER, tongue.name());
        let agent = self.agent().await;
        let call = call_named(&caller).await;
        self.events.conversation(call).await;
        // What an agent's desktop would beep into.
        agent.speak(&[0xFF; 8 * 1_100]);
        assert!(agent.spoken(SOON).await);
        Talk {
            call,
            caller,
            agent,
            tongue,
        }
    }

    /// One sentence of one party, heard to its end by the other.
    pub async fn sentence(&self, talk: &Talk, speaker: Side, phrase: usize) {
        let (from, to, tongue) = match speaker {
            Side::Caller => (&talk.caller, &talk.agent, talk.tongue),
            Side::Agent => (&talk.agent, &talk.caller, Tongue::English),
        };
        let before = self.events.utterances(talk.call, speaker, 0).await.len();
        say(from, phrase, tongue).await;
        self.events.utterances(talk.call, speaker, before + 1).await;
        assert!(to.quiet_for(PAUSE, SOON).await);
    }

    /// Both say a sentence at the same time, each heard to its end by the other.
    pub async fn exchange(&self, talk: &Talk, by_caller: usize, by_agent: usize) {
        tokio::join!(
            self.sentence(talk, Side::Caller, by_caller),
            self.sentence(talk, Side::Agent, by_agent),
        );
    }

    /// The caller hangs up, and everything ends as it should.
    pub async fn part(&self, talk: &Talk) {
        assert!(talk.caller.hang_up(SOON).await, "the caller is gone");
        assert!(talk.agent.ended(SOON).await, "the agent's call ends");
        self.events.ended(talk.call).await;
    }
}
