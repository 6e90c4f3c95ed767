//! A caller on the line with the flow: a small Studio that follows the transitions as Twilio would.
//!
//! The caller is a function that answers each menu with a key, some words or silence. The run ends in the request that Twilio Voice makes
//! for the redirect, or in a hang-up when the flow is over. Speech, silence and key presses are instant here: times are not modelled, and
//! comparisons are the strictest that Studio could make (case matters, an expression must match the whole text).

use std::collections::BTreeMap;

use url::Url;

use super::flow::{Condition, Flow, State};
use super::{liquid, schema};

/// What the caller does at a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    Key(char),
    Speech(&'a str),
    Silence,
}

/// A sentence that the caller heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    pub state: String,
    pub language: String,
    pub text: String,
}

/// The request that Twilio Voice makes for the redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub url: Url,
}

/// How the run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The call is ours now.
    Redirected(Request),
    /// The flow was over without a redirect; Twilio hangs up.
    HungUp,
}

/// One call from the trigger to its end.
#[derive(Clone, Debug)]
pub struct Run {
    pub spoken: Vec<Spoken>,
    pub ending: Ending,
}

/// More steps than any caller should have to go through; a flow that needs more goes in circles.
const STEPS: usize = 200;

/// Lets a caller through the flow whose redirect works.
pub fn call<'a>(flow: &Flow<'_>, caller: impl FnMut(&str) -> Input<'a>) -> Result<Run, String> {
    Studio::new(flow).run("incomingCall", caller)
}

/// Lets a caller through the flow whose redirect ends in `event` instead of a request.
pub fn call_that_comes_back<'a>(
    flow: &Flow<'_>,
    event: &'static str,
    caller: impl FnMut(&str) -> Input<'a>,
) -> Result<Run, String> {
    Studio {
        redirect: Some(event),
        ..Studio::new(flow)
    }
    .run("incomingCall", caller)
}

struct Studio<'f, 'j> {
    flow: &'f Flow<'j>,
    redirect: Option<&'static str>,
    values: BTreeMap<String, String>,
    spoken: Vec<Spoken>,
}

impl<'f, 'j> Studio<'f, 'j> {
    fn new(flow: &'f Flow<'j>) -> Self {
        Self {
            flow,
            redirect: None,
            values: BTreeMap::new(),
            spoken: Vec::new(),
        }
    }

    fn run<'a>(mut self, trigger: &str, mut caller: impl FnMut(&str) -> Input<'a>) -> Result<Run, String> {
        let mut state = self.state(self.flow.initial_state)?;
        let mut event = trigger;
        for _ in 0..STEPS {
            let Some(next) = self.next(state, event)? else {
                return Ok(Run {
                    spoken: self.spoken,
                    ending: Ending::HungUp,
                });
            };
            state = self.state(next)?;
            event = match state.kind {
                "say-play" => self.say(state, "audioComplete")?,
                "set-variables" => self.set(state)?,
                "split-based-on" => "match",
                "gather-input-on-call" => self.gather(state, caller(state.name))?,
                "add-twiml-redirect" => match self.redirect {
                    Some(event) => event,
                    None => {
                        let ending = Ending::Redirected(self.request(state)?);
                        return Ok(Run {
                            spoken: self.spoken,
                            ending,
                        });
                    }
                },
                other => return Err(format!("{}: {other} cannot be run", state.name)),
            };
        }
        Err(format!("{}: more than {STEPS} steps", state.name))
    }

    fn state(&self, name: &str) -> Result<&'f State<'j>, String> {
        self.flow
            .state(name)
            .ok_or_else(|| format!("{name}: no such state"))
    }

    /// Where an event leads. A split's `match` is the first condition that holds, in the order of the file, or else `noMatch`.
    fn next(&self, state: &State<'j>, event: &str) -> Result<Option<&'j str>, String> {
        let mut event = event;
        if state.kind == "split-based-on" {
            for transition in state
                .transitions
                .iter()
                .filter(|transition| transition.event == "match")
            {
                if self.holds(&transition.conditions)? {
                    return Ok(transition.next);
                }
            }
            event = "noMatch";
        }
        let taken = state
            .transitions
            .iter()
            .find(|transition| transition.event == event);
        taken
            .map(|transition| transition.next)
            .ok_or_else(|| format!("{}: {event} is not handled", state.name))
    }

    fn holds(&self, conditions: &[Condition<'_>]) -> Result<bool, String> {
        let mut all = true;
        for condition in conditions {
            let value = self.render(condition.argument)?;
            all &= match condition.kind {
                "equal_to" => value == condition.value,
                "regex" => schema::words(condition.value)
                    .ok_or_else(|| format!("{}: not understood", condition.value))?
                    .iter()
                    .any(|word| value.contains(word)),
                other => return Err(format!("condition {other} cannot be run")),
            };
        }
        Ok(all)
    }

    fn say(&mut self, state: &State<'_>, event: &'static str) -> Result<&'static str, String> {
        let text = self.render(state.property("say"))?;
        let language = state.property("language").to_owned();
        self.spoken.push(Spoken {
            state: state.name.to_owned(),
            language,
            text,
        });
        Ok(event)
    }

    fn set(&mut self, state: &State<'_>) -> Result<&'static str, String> {
        let mut set = Vec::new();
        for (key, value) in state.variables() {
            set.push((format!("flow.variables.{key}"), self.render(value)?));
        }
        self.values.extend(set);
        Ok("next")
    }

    /// The result of an earlier visit is gone, whatever happens now.
    fn gather(&mut self, state: &State<'_>, input: Input<'_>) -> Result<&'static str, String> {
        self.say(state, "prompted")?;
        let digits = format!("widgets.{}.Digits", state.name);
        let speech = format!("widgets.{}.SpeechResult", state.name);
        self.values.remove(&digits);
        self.values.remove(&speech);
        Ok(match input {
            Input::Key(key) if !state.property("finish_on_key").contains(key) => {
                self.values.insert(digits, key.to_string());
                "keypress"
            }
            Input::Speech(text) if !text.is_empty() => {
                self.values.insert(speech, text.to_owned());
                "speech"
            }
            Input::Key(_) | Input::Speech(_) | Input::Silence => "timeout",
        })
    }

    fn request(&self, state: &State<'_>) -> Result<Request, String> {
        let url = self.render(state.property("url"))?;
        let url = Url::parse(&url).map_err(|error| format!("{url}: {error}"))?;
        Ok(Request {
            method: state.property("method").to_owned(),
            url,
        })
    }

    fn render(&self, template: &str) -> Result<String, String> {
        liquid::render(template, |path| self.values.get(path).cloned())
    }
}
