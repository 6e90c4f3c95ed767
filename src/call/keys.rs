//! The agent's keys: which sequences mean what, and finding them among the keys that are pressed.
//!
//! A sequence is found wherever it begins; keys that are part of none mean nothing. Where one sequence begins like
//! another, the longer one wins if its next key comes within [`PAUSE`]. Keys further apart than that are never one
//! sequence. Only the agent has such keys: a caller may be working through a menu with theirs.

use std::time::Duration;

use super::Call;
use super::ids::Side;
use super::io::{Control, Outbox};
use super::timer::Timer;
use crate::language::Language;

/// Longest time between two keys of a sequence: enough to find the next key, short enough for `*8` to be heard where
/// `*81` exists too.
const PAUSE: Duration = Duration::from_secs(3);

/// Longest sequence; nobody remembers a longer one.
const KEYS_MAX: usize = 8;

/// The sequences that mean something. None, by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys(Vec<(String, Control)>);

/// An entry of [`Keys::parse`] that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    #[error("{0}: write keys=action, such as *8=toggle")]
    NoAction(String),
    #[error("{0}: there are no keys before the =")]
    NoKeys(String),
    #[error("{0}: keys are 0 to 9, *, # and A to D")]
    NotAKey(String),
    #[error("{0}: use {KEYS_MAX} keys at most")]
    TooLong(String),
    #[error("{0}: these keys have another meaning already")]
    Twice(String),
    #[error("{0}: use toggle, on, off, caller:<language> or agent:<language>")]
    UnknownAction(String),
    #[error("{0}: no such language; use a name such as spanish or a tag such as es-US")]
    UnknownLanguage(String),
}

impl Keys {
    /// Reads `*8=toggle,*81=on,*80=off,*7=caller:spanish`, or `off` for no sequences at all.
    ///
    /// # Errors
    /// Every entry that cannot be used.
    pub fn parse(text: &str) -> Result<Self, Vec<BadEntry>> {
        let (mut keys, mut bad) = (Self::default(), Vec::new());
        if text.trim() == "off" {
            return Ok(keys);
        }
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match keys.entry(entry) {
                Ok(entry) => keys.0.push(entry),
                Err(reason) => bad.push(reason(entry.to_owned())),
            }
        }
        if bad.is_empty() { Ok(keys) } else { Err(bad) }
    }

    fn entry(&self, entry: &str) -> Result<(String, Control), fn(String) -> BadEntry> {
        let (sequence, action) = entry.split_once('=').ok_or(BadEntry::NoAction as fn(_) -> _)?;
        let (sequence, action) = (sequence.trim(), action.trim());
        if sequence.is_empty() {
            return Err(BadEntry::NoKeys);
        }
        if !sequence.chars().all(is_key) {
            return Err(BadEntry::NotAKey);
        }
        if sequence.len() > KEYS_MAX {
            return Err(BadEntry::TooLong);
        }
        if self.exactly(sequence).is_some() {
            return Err(BadEntry::Twice);
        }
        Ok((sequence.to_owned(), action_of(action)?))
    }

    fn exactly(&self, pressed: &str) -> Option<Control> {
        let found = self.0.iter().find(|(sequence, _)| sequence == pressed);
        found.map(|(_, control)| *control)
    }

    /// Whether some sequence begins with these keys and has more.
    fn may_become(&self, pressed: &str) -> bool {
        let mut longer = self
            .0
            .iter()
            .filter(|(sequence, _)| sequence.len() > pressed.len());
        longer.any(|(sequence, _)| sequence.starts_with(pressed))
    }

    /// The longest sequence that these keys begin with, and its length.
    fn longest(&self, pressed: &str) -> Option<(usize, Control)> {
        (1..=pressed.len())
            .rev()
            .find_map(|length| Some((length, self.exactly(pressed.get(..length)?)?)))
    }
}

fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')
}

fn action_of(text: &str) -> Result<Control, fn(String) -> BadEntry> {
    let side = match text.split_once(':') {
        None => {
            return match text {
                "toggle" => Ok(Control::ToggleInterpretation),
                "on" => Ok(Control::Interpret(true)),
                "off" => Ok(Control::Interpret(false)),
                _ => Err(BadEntry::UnknownAction),
            };
        }
        Some(("caller", _)) => Side::Caller,
        Some(("agent", _)) => Side::Agent,
        Some(_) => return Err(BadEntry::UnknownAction),
    };
    let name = text.split_once(':').map_or("", |(_, name)| name);
    let language = Language::find(name).ok_or(BadEntry::UnknownLanguage as fn(_) -> _)?;
    Ok(Control::Language { side, language })
}

/// Keys that were pressed and may still become a sequence: never more than [`KEYS_MAX`] between two calls.
#[derive(Debug, Default)]
pub(super) struct KeyBuffer(String);

impl KeyBuffer {
    /// Takes a key. What is not one, or cannot be part of a sequence, is forgotten by the next [`KeyBuffer::next`].
    pub(super) fn press(&mut self, key: char) {
        if is_key(key) {
            self.0.push(key);
        }
    }

    /// Takes out the next sequence that is certain; call it until there is none. `over`: no further key belongs to these.
    pub(super) fn next(&mut self, keys: &Keys, over: bool) -> Option<Control> {
        while !self.0.is_empty() {
            if !over && keys.may_become(&self.0) {
                return None;
            }
            let (length, control) = match keys.longest(&self.0) {
                Some((length, control)) => (length, Some(control)),
                None => (1, None),
            };
            self.0.drain(..length);
            if control.is_some() {
                return control;
            }
        }
        None
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Call {
    pub(super) fn agent_pressed(&mut self, key: char, out: &mut Outbox) {
        self.pressed.press(key);
        self.obey_keys(false, out);
        if self.pressed.is_empty() {
            self.timers.stop(Timer::Keys);
        } else {
            self.timers.set(Timer::Keys, self.now + PAUSE);
        }
    }

    /// The agent has pressed no further key for [`PAUSE`].
    pub(super) fn keys_paused(&mut self, out: &mut Outbox) {
        self.obey_keys(true, out);
    }

    fn obey_keys(&mut self, over: bool, out: &mut Outbox) {
        while let Some(control) = self.pressed.next(&self.setup.keys, over) {
            self.control(control, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: &str = "*8=toggle, *81=on,*80=off,*7=caller:spanish,*71=agent:fr-FR,";

    const TOGGLE: Control = Control::ToggleInterpretation;
    const ON: Control = Control::Interpret(true);
    const OFF: Control = Control::Interpret(false);

    fn keys(text: &str) -> Keys {
        Keys::parse(text).expect("keys")
    }

    /// What these keys do. A space is a pause.
    fn pressing(keys: &Keys, pressed: &str) -> Vec<Control> {
        let (mut buffer, mut did) = (KeyBuffer::default(), Vec::new());
        for key in pressed.chars() {
            buffer.press(key);
            while let Some(control) = buffer.next(keys, key == ' ') {
                did.push(control);
            }
            assert!(buffer.0.len() < KEYS_MAX, "{:?}", buffer.0);
        }
        did
    }

    #[test]
    fn every_kind_of_action_is_read() {
        let language = |side, name: &str| Control::Language {
            side,
            language: Language::find(name).expect("a language"),
        };
        let expected = [
            ("*8", TOGGLE),
            ("*81", ON),
            ("*80", OFF),
            ("*7", language(Side::Caller, "spanish")),
            ("*71", language(Side::Agent, "french")),
        ];
        let expected = expected.map(|(sequence, control)| (sequence.to_owned(), control));
        assert_eq!(keys(MANY).0, expected);
        assert_eq!(keys("off"), Keys::default());
        assert_eq!(keys(" "), Keys::default());
    }

    #[test]
    fn every_entry_that_cannot_be_used_is_reported_with_its_reason() {
        let bad = Keys::parse(
            "*8,=on,8x=on,*a=off,123456789=on,*1=on,*1=off,*2=mute,*3=menu:spanish,*4=agent:klingon",
        );
        let reasons: Vec<String> = bad
            .expect_err("bad entries")
            .iter()
            .map(BadEntry::to_string)
            .collect();
        let beginnings = [
            "*8: write keys=action",
            "=on: there are no keys",
            "8x=on: keys are",
            "*a=off: keys are",
            "123456789=on: use 8 keys at most",
            "*1=off: these keys have another meaning",
            "*2=mute: use toggle, on, off",
            "*3=menu:spanish: use toggle, on, off",
            "*4=agent:klingon: no such language",
        ];
        assert_eq!(reasons.len(), beginnings.len(), "{reasons:#?}");
        for (reason, beginning) in reasons.iter().zip(beginnings) {
            assert!(reason.starts_with(beginning), "{reason}");
        }
    }

    #[test]
    fn a_sequence_that_can_become_no_other_acts_at_its_last_key() {
        assert_eq!(pressing(&keys("*8=toggle"), "*8*8"), [TOGGLE, TOGGLE]);
        assert_eq!(pressing(&keys(MANY), "*80*81"), [OFF, ON]);
    }

    #[test]
    fn the_longest_wins_and_a_shorter_one_waits_for_a_pause_or_another_key() {
        let many = keys(MANY);
        assert_eq!(pressing(&many, "*8"), []);
        assert_eq!(pressing(&many, "*8 "), [TOGGLE]);
        assert_eq!(
            pressing(&many, "*8 1"),
            [TOGGLE],
            "a key after the pause is another's"
        );
        assert_eq!(pressing(&many, "*85"), [TOGGLE]);
        assert_eq!(pressing(&many, "*8*80"), [TOGGLE, OFF]);
        let gap = keys("*8=toggle,*8123=on,12=off");
        assert_eq!(
            pressing(&gap, "*8125"),
            [TOGGLE, OFF],
            "what is left may be a sequence itself"
        );
    }

    #[test]
    fn keys_that_are_no_sequence_mean_nothing() {
        let one = keys("*8=toggle");
        for nothing in ["8", "*", "* 8", "*98", "12345#", "**", "8*", "é8x"] {
            assert_eq!(pressing(&one, nothing), [], "{nothing}");
        }
        assert_eq!(pressing(&one, "4711**8#"), [TOGGLE], "wherever it begins");
        assert_eq!(pressing(&Keys::default(), "*8*8 "), []);
    }
}
