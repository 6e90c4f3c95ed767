//! The documents that this program answers with, and the URLs in them.

use crate::call::{Answer, CallId, Side};
use crate::carrier::twilio::twiml::{Document, Enqueue, Stream};
use crate::config::{AgentDial, Config};
use crate::language::Language;
use crate::phrase::Phrase;

/// The document of a party's leg: a stream, or a sentence and the end.
pub fn answer(config: &Config, call: CallId, side: Side, answer: &Answer) -> String {
    match answer {
        Answer::Stream { say, language, token } => {
            let mut document = Document::default();
            if let Some(phrase) = say {
                document = document.say(*phrase, language);
            }
            // The first document of a caller is the one that connects them.
            if *say == Some(Phrase::Connecting) && config.recording.wanted {
                document = document.say(Phrase::Recorded, language);
            }
            streaming(document, config, call, side, language, token)
        }
        Answer::Tell { phrase, language } => tell(*phrase, language),
        // Only pages are asked to wait.
        Answer::Wait(_) => tell(Phrase::Trouble, Language::english()),
    }
}

/// The document of an agent's leg when it is dialled. A softphone is told that the call is recorded; behind a queue nobody
/// would hear it yet.
pub fn agent(config: &Config, call: CallId, token: &str) -> String {
    let language = config.agent_language;
    let softphone = matches!(config.agent_dial, AgentDial::Client { .. });
    let document = if softphone && config.recording.wanted {
        Document::default().say(Phrase::Recorded, language)
    } else {
        Document::default()
    };
    streaming(document, config, call, Side::Agent, language, token)
}

fn streaming(
    document: Document,
    config: &Config,
    call: CallId,
    side: Side,
    language: &Language,
    token: &str,
) -> String {
    let mut url = config.public.clone();
    let scheme = if url.scheme() == "http" { "ws" } else { "wss" };
    // Both are special schemes, so this cannot fail.
    let _ = url.set_scheme(scheme);
    let stream = Stream {
        url: &format!("{}/intercept", url.as_str().trim_end_matches('/')),
        name: side.name(),
        status_callback: &at(config, "stream-status"),
        token,
    };
    let (leg, lang) = (side.name(), language.slug);
    let after = at(config, &format!("after-stream?call={call}&leg={leg}&lang={lang}"));
    document.connect(stream).redirect(&after).finish()
}

/// One sentence, then the end of the call.
pub fn tell(phrase: Phrase, language: &'static Language) -> String {
    Document::default().say(phrase, language).hangup().finish()
}

/// Into the task queue. `task`: the attributes that tell whose call it is, if it is one of ours.
pub fn enqueue(config: &Config, workflow_sid: &str, ours: Option<(CallId, &str)>) -> String {
    let action = match ours {
        Some((call, _)) => at(config, &format!("dequeued?call={call}")),
        None => at(config, "dequeued"),
    };
    let task = ours.map_or("{\"type\":\"inbound\"}", |(_, task)| task);
    let timeout = ours.map(|_| config.agent_wait.as_secs());
    Document::default()
        .enqueue(Enqueue {
            workflow_sid,
            action: &action,
            timeout,
            task,
        })
        .finish()
}

/// Where a leg's progress is reported.
pub fn status_callback(config: &Config, call: CallId, side: Side) -> String {
    at(config, &format!("call-status?call={call}&leg={}", side.name()))
}

/// Our own URL for a path.
fn at(config: &Config, path: &str) -> String {
    format!("{}/{path}", config.public.as_str().trim_end_matches('/'))
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
