//! The items of a conversation: their order, their JSON, and the audio behind them.

use serde_json::{Value, json};

use crate::sim::speech::Stretch;

/// One item.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub id: String,
    /// The item as events show it, without its audio.
    pub shown: Value,
    pub audio: Audio,
}

/// The audio of an item, µ-law.
#[derive(Debug, Clone, Default)]
pub(super) enum Audio {
    #[default]
    None,
    /// What a user said, and what was recognised in it.
    Heard { mulaw: Vec<u8>, stretches: Vec<Stretch> },
    /// What the model said.
    Spoken(Vec<u8>),
}

impl Item {
    /// A user's audio that was committed.
    pub fn heard(id: &str, mulaw: Vec<u8>, stretches: Vec<Stretch>) -> Self {
        let content = json!([{"type": "input_audio", "transcript": null}]);
        Self {
            id: id.to_owned(),
            shown: message(id, "user", "completed", content),
            audio: Audio::Heard { mulaw, stretches },
        }
    }

    /// The texts of a message, of its user's or assistant's content.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let content = self.shown["content"].as_array();
        content
            .into_iter()
            .flatten()
            .filter_map(|part| part["text"].as_str())
    }

    pub fn is_from(&self, role: &str) -> bool {
        self.shown["role"] == role
    }
}

/// A message item as events show it.
pub(super) fn message(id: &str, role: &str, status: &str, content: Value) -> Value {
    json!({"id": id, "object": "realtime.item", "type": "message", "status": status, "role": role, "content": content})
}

/// The default conversation of a session.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    items: Vec<Item>,
}

impl Conversation {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn find(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    pub fn find_mut(&mut self, id: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.items.iter()
    }

    pub fn last_id(&self) -> Option<String> {
        self.items.last().map(|item| item.id.clone())
    }

    /// The item before this one.
    pub fn previous_id(&self, id: &str) -> Option<String> {
        let at = self.items.iter().position(|item| item.id == id)?;
        Some(self.items.get(at.checked_sub(1)?)?.id.clone())
    }

    pub fn push(&mut self, item: Item) {
        self.items.push(item);
    }

    /// Puts an item after another, or first of all after `root`. `false` if there is no such item.
    pub fn insert_after(&mut self, previous: &str, item: Item) -> bool {
        let at = match previous {
            "root" => Some(0),
            id => self.items.iter().position(|i| i.id == id).map(|at| at + 1),
        };
        if let Some(at) = at {
            self.items.insert(at, item);
        }
        at.is_some()
    }

    /// `false` if there is no such item.
    pub fn delete(&mut self, id: &str) -> bool {
        let before = self.items.len();
        self.items.retain(|item| item.id != id);
        self.items.len() < before
    }
}
