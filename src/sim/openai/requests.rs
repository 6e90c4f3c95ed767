//! What a client asks for: each client event, checked in full and then carried out, or refused without any effect.

use std::{borrow::Cow, time::Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::Target,
    codec::Format,
    conversation::{Audio, Item},
    fields,
    schema::{Complaint, check_fields},
    session::Session,
};
use crate::sim::speech::stretches;

/// The largest audio of one append, decoded.
const MAX_APPEND: usize = 15 << 20;

/// The one event that comes fifty times a second is read without building a tree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Append<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    #[serde(borrow)]
    pub event_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub audio: Cow<'a, str>,
}

impl Session {
    /// Carries out one client event.
    pub(super) fn read(&mut self, text: &str, now: Instant) {
        if let Ok(append) = serde_json::from_str::<Append<'_>>(text)
            && append.kind == "input_audio_buffer.append"
        {
            if let Err(complaint) = self.append(&append.audio, now) {
                self.outbox.complain(&complaint, append.event_id.as_deref());
            }
            return;
        }
        let event: Value = serde_json::from_str(text).unwrap_or_default();
        let event_id = event["event_id"].as_str();
        if let Err(complaint) = self.carry_out(&event, now) {
            self.outbox.complain(&complaint, event_id);
        }
    }

    fn carry_out(&mut self, event: &Value, now: Instant) -> Result<(), Complaint> {
        let malformed = |message| Complaint::new("invalid_event", None, message);
        let object = event
            .as_object()
            .ok_or_else(|| malformed("The event is not a JSON object.".to_owned()))?;
        let kind = event["type"]
            .as_str()
            .ok_or_else(|| malformed("The event has no 'type'.".to_owned()))?;
        let fields = fields::event(kind)
            .ok_or_else(|| malformed(format!("There is no client event '{kind}' here.")))?;
        check_fields("", object, fields)?;
        let item_id = event["item_id"].as_str().unwrap_or_default();
        match kind {
            "session.update" => self.update(&event["session"], now),
            "input_audio_buffer.append" => self.append(event["audio"].as_str().unwrap_or_default(), now),
            "input_audio_buffer.commit" => self.commit_by_hand(now),
            "input_audio_buffer.clear" => {
                self.clear_input();
                Ok(())
            }
            "conversation.item.create" => self.create_item(event),
            "conversation.item.retrieve" => self.retrieve_item(item_id),
            "conversation.item.delete" => self.delete_item(item_id),
            "conversation.item.truncate" => self.truncate_item(item_id, &event["audio_end_ms"]),
            "response.create" => self.respond_to_request(&event["response"], now),
            _ => self.cancel_response(event["response_id"].as_str()),
        }
    }

    fn update(&mut self, update: &Value, now: Instant) -> Result<(), Complaint> {
        let before = self.settings.input;
        self.settings.update(update, self.spoke)?;
        if before != self.settings.input {
            self.carry.clear();
        }
        let target = Target::of(self.settings.instructions()).and_then(|target| target.tongue);
        self.outbox.entry.note(|record| record.target = target);
        if self.outbox.faults.withholds_updated() {
            return Ok(());
        }
        let mut session = self.settings.session().clone();
        if let Some(format) = self.outbox.faults.confirmed_format() {
            session["audio"]["input"]["format"] = format.clone();
            session["audio"]["output"]["format"] = format;
        }
        self.emit(json!({"type": "session.updated", "session": session}));
        self.outbox.note_confirmed(now);
        Ok(())
    }

    fn append(&mut self, audio: &str, now: Instant) -> Result<(), Complaint> {
        let wire = decode_audio("audio", audio)?;
        self.outbox.note_append(&wire);
        let format = self.settings.input;
        if format == Format::Mulaw {
            self.hear(&wire, now);
            return Ok(());
        }
        self.carry.extend(wire);
        let whole = self.carry.len() - self.carry.len() % format.width();
        let rest = self.carry.split_off(whole);
        let wire = std::mem::replace(&mut self.carry, rest);
        self.hear(&format.unpack(&wire), now);
        Ok(())
    }

    fn create_item(&mut self, event: &Value) -> Result<(), Complaint> {
        let mut item = self.item_of("item", &event["item"])?;
        let id = match event["item"]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => self.name("item"),
        };
        if self.conversation.find(&id).is_some() {
            let message = format!("An item with the id '{id}' already exists.");
            return Err(Complaint::value("item.id", message));
        }
        item.shown["id"] = json!(id);
        item.id.clone_from(&id);
        let shown = item.shown.clone();
        match event["previous_item_id"].as_str() {
            None => self.conversation.push(item),
            Some(previous) if self.conversation.insert_after(previous, item) => {}
            Some(previous) => {
                let message = format!("There is no item '{previous}' to insert after.");
                return Err(Complaint::value("previous_item_id", message));
            }
        }
        self.count_items();
        let previous = self.conversation.previous_id(&id);
        for kind in ["conversation.item.added", "conversation.item.done"] {
            self.emit(json!({"type": kind, "previous_item_id": previous, "item": shown}));
        }
        Ok(())
    }

    /// An item that a client wrote; its id is set by the caller.
    pub(super) fn item_of(&self, path: &str, value: &Value) -> Result<Item, Complaint> {
        let mut shown = value.clone();
        shown["object"] = json!("realtime.item");
        shown["status"] = json!("completed");
        let mut audio = Audio::None;
        let role = value["role"].as_str().unwrap_or_default().to_owned();
        let content = shown.get_mut("content").and_then(Value::as_array_mut);
        for (at, part) in content.into_iter().flatten().enumerate() {
            let place = format!("{path}.content[{at}]");
            let kind = part["type"].as_str().unwrap_or_default();
            let fits = match kind {
                "output_text" => role == "assistant",
                "input_text" => role != "assistant",
                _ => role == "user",
            };
            if !fits {
                let message = format!("A message of the role '{role}' cannot hold '{kind}'.");
                return Err(Complaint::value(&format!("{place}.type"), message));
            }
            if let Some(wire) = part["audio"].as_str() {
                let wire = decode_audio(&format!("{place}.audio"), wire)?;
                let mulaw = self.settings.input.unpack(&wire).into_owned();
                let stretches = stretches(&mulaw);
                audio = Audio::Heard { mulaw, stretches };
                *part = json!({"type": "input_audio", "transcript": part["transcript"]});
            }
        }
        let id = value["id"].as_str().unwrap_or_default().to_owned();
        Ok(Item { id, shown, audio })
    }

    fn retrieve_item(&mut self, id: &str) -> Result<(), Complaint> {
        let item = self
            .conversation
            .find(id)
            .ok_or_else(|| no_item("item_retrieve_invalid_item_id", id))?;
        let mut shown = item.shown.clone();
        let wire = match &item.audio {
            Audio::None => None,
            Audio::Heard { mulaw, .. } => Some(self.settings.input.pack(mulaw)),
            Audio::Spoken(mulaw) => Some(self.settings.output.pack(mulaw)),
        };
        if let Some(wire) = wire
            && !shown["content"][0].is_null()
        {
            shown["content"][0]["audio"] = json!(STANDARD.encode(wire));
        }
        self.emit(json!({"type": "conversation.item.retrieved", "item": shown}));
        Ok(())
    }

    fn delete_item(&mut self, id: &str) -> Result<(), Complaint> {
        if !self.conversation.delete(id) {
            return Err(no_item("item_delete_invalid_item_id", id));
        }
        self.count_items();
        self.emit(json!({"type": "conversation.item.deleted", "item_id": id}));
        Ok(())
    }

    fn truncate_item(&mut self, id: &str, end: &Value) -> Result<(), Complaint> {
        let item = self
            .conversation
            .find_mut(id)
            .ok_or_else(|| no_item("item_truncate_invalid_item_id", id))?;
        let Audio::Spoken(mulaw) = &mut item.audio else {
            let message = "Only an assistant's message with audio can be truncated.";
            return Err(Complaint::value("item_id", message));
        };
        let (has, wants) = (mulaw.len() as u64 / 8, end.as_u64().unwrap_or_default());
        if wants > has {
            let message = format!("Audio content of {has}ms is already shorter than {wants}ms");
            return Err(Complaint::value("audio_end_ms", message));
        }
        mulaw.truncate(wants as usize * 8);
        item.shown["content"][0]["transcript"] = Value::Null;
        self.emit(json!({"type": "conversation.item.truncated", "item_id": id,
            "content_index": 0, "audio_end_ms": wants}));
        Ok(())
    }

    fn cancel_response(&mut self, id: Option<&str>) -> Result<(), Complaint> {
        if self.cancel(id, "client_cancelled") {
            return Ok(());
        }
        let message = "Cancellation failed: no active response found";
        Err(Complaint::new("response_cancel_not_active", None, message))
    }
}

fn no_item(code: &'static str, id: &str) -> Complaint {
    Complaint::new(code, Some("item_id"), format!("There is no item '{id}'."))
}

pub(super) fn decode_audio(path: &str, audio: &str) -> Result<Vec<u8>, Complaint> {
    let wire = STANDARD.decode(audio).map_err(|_| {
        let message = format!("Invalid '{path}': audio has to be base64.");
        Complaint::value(path, message)
    })?;
    if wire.len() > MAX_APPEND {
        return Err(Complaint::value(path, "The audio is larger than 15 MiB."));
    }
    Ok(wire)
}
