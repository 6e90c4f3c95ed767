//! How responses come about, and what becomes of what happens in them.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    answer::{Answer, Target},
    codec::Format,
    conversation::{Audio, Item},
    ledger::TypedRecord,
    response::{End, Happening, Order, Response, tokens},
    schema::Complaint,
    session::Session,
    settings::check_modalities,
};

impl Session {
    /// Responds to a turn by itself. While another response runs for the conversation, it does not.
    pub(super) fn respond_to_turn(&mut self, item_id: &str, now: Instant) {
        if self.active().is_some() {
            return;
        }
        let items: Vec<Item> = self.conversation.find(item_id).cloned().into_iter().collect();
        self.respond(&Value::Null, &items, now);
    }

    /// Responds to a `response.create`.
    pub(super) fn respond_to_request(&mut self, request: &Value, now: Instant) -> Result<(), Complaint> {
        check_modalities("response.output_modalities", &request["output_modalities"])?;
        let apart = request["conversation"] == "none";
        if let Some(active) = self.active().filter(|_| !apart) {
            let message = format!(
                "Conversation already has an active response in progress: {active}. \
                 Wait until the response is finished before creating a new one."
            );
            return Err(Complaint::new(
                "conversation_already_has_active_response",
                None,
                message,
            ));
        }
        let items = match request["input"].as_array() {
            Some(input) => self.input(input)?,
            // Without input of its own, a response is about what came since the model last spoke.
            None => {
                let recent = self.conversation.iter().rev();
                let mut recent: Vec<Item> = recent
                    .take_while(|item| !item.is_from("assistant"))
                    .cloned()
                    .collect();
                recent.reverse();
                recent
            }
        };
        self.respond(request, &items, now);
        Ok(())
    }

    fn active(&self) -> Option<&str> {
        self.responses
            .iter()
            .find(|response| response.order.conversation.is_some())
            .map(|response| response.order.id.as_str())
    }

    fn input(&self, input: &[Value]) -> Result<Vec<Item>, Complaint> {
        let items = input.iter().enumerate().map(|(at, value)| {
            let path = format!("response.input[{at}]");
            if value["type"] != "item_reference" {
                return self.item_of(&path, value);
            }
            let id = value["id"].as_str().unwrap_or_default();
            self.conversation.find(id).cloned().ok_or_else(|| {
                let message = format!("Item with id '{id}' not found.");
                Complaint::value(&format!("{path}.id"), message)
            })
        });
        items.collect()
    }

    fn respond(&mut self, request: &Value, items: &[Item], now: Instant) {
        let instructions = request["instructions"].as_str();
        let target = instructions
            .and_then(Target::of)
            .or_else(|| Target::of(self.settings.instructions()))
            .unwrap_or_else(Target::unknown);
        let (mut answer, mut heard, mut read) = (Answer::default(), 0, 0);
        let mut typed = Vec::new();
        for item in items.iter().filter(|item| item.is_from("user")) {
            if let Audio::Heard { mulaw, stretches } = &item.audio {
                answer.add_heard(stretches, &target);
                // A token is 100 ms of a user's audio.
                heard += mulaw.len().div_ceil(800) as u64;
            }
            for text in item.texts() {
                answer.add_text(text, &target);
                read += tokens(text);
                typed.push(text);
            }
        }
        let typed = self.note_typed(&typed, now);
        let session = self.settings.session();
        let either = |asked: &Value, set: &Value| match asked.is_null() {
            true => set.clone(),
            false => asked.clone(),
        };
        let output = &request["audio"]["output"];
        let format = match output["format"].is_null() {
            true => self.settings.output,
            false => Format::parse(&output["format"]),
        };
        let modalities = either(&request["output_modalities"], &session["output_modalities"]);
        read += tokens(instructions.unwrap_or_else(|| self.settings.instructions()));
        let order = Order {
            conversation: (request["conversation"] != "none").then(|| self.conversation_id.clone()),
            about: items.iter().map(|item| item.id.clone()).collect(),
            answer,
            typed,
            format,
            text_only: modalities[0] == "text",
            voice: either(&output["voice"], &session["audio"]["output"]["voice"]),
            metadata: request["metadata"].clone(),
            max_tokens: either(&request["max_output_tokens"], &session["max_output_tokens"]),
            input_tokens: (read, heard),
            failure: self.outbox.faults.failure(),
            id: self.name("resp"),
            item_id: self.name("item"),
        };
        let think = self.outbox.faults.thinks().unwrap_or(self.outbox.options.think);
        let response = Response::plan(order, now, think, self.outbox.options.speed, &mut self.outbox.rng);
        self.emit(response.created());
        self.responses.push(response);
    }

    /// Does the steps of all responses that are due.
    pub(super) fn play(&mut self, now: Instant) {
        let mut at = 0;
        while at < self.responses.len() {
            match self.responses[at].step(now) {
                None => at += 1,
                Some(happenings) => {
                    let response = self.responses.remove(at);
                    let ended = matches!(happenings.last(), Some(Happening::Done { .. }));
                    self.happen(&response, happenings, now);
                    if !ended {
                        self.responses.insert(at, response);
                    }
                }
            }
        }
    }

    /// Turns what happened in a response into events, items and records.
    pub(super) fn happen(&mut self, response: &Response, happenings: Vec<Happening>, now: Instant) {
        let order = &response.order;
        for happening in happenings {
            match happening {
                Happening::Event(event) => self.emit(event),
                Happening::Sound(wire) => self.note_sound(&order.about, &wire, now),
                Happening::ItemAdded(shown) if order.conversation.is_some() => {
                    let previous = self.conversation.last_id();
                    let (id, audio) = (order.item_id.clone(), Audio::Spoken(Vec::new()));
                    let item = Item {
                        id,
                        shown: shown.clone(),
                        audio,
                    };
                    self.conversation.push(item);
                    self.count_items();
                    self.emit(json!({"type": "conversation.item.added", "previous_item_id": previous, "item": shown}));
                }
                Happening::ItemDone(shown) if order.conversation.is_some() => {
                    if let Some(item) = self.conversation.find_mut(&order.item_id) {
                        item.shown = shown.clone();
                        item.audio = Audio::Spoken(response.sounded().to_vec());
                    }
                    let previous = self.conversation.previous_id(&order.item_id);
                    self.emit(json!({"type": "conversation.item.done", "previous_item_id": previous, "item": shown}));
                }
                Happening::ItemAdded(_) | Happening::ItemDone(_) => {}
                Happening::Done { end, response } => {
                    if end == End::Completed {
                        self.note_said(order);
                        self.outbox.entry.utterances(&order.about, |u| {
                            u.answered = true;
                            let about = order.answer.phrases.iter();
                            let heard = about.filter(|(id, _)| u.heard.iter().any(|h| h.id == *id));
                            u.translated.extend(heard);
                        });
                    }
                    self.emit(json!({"type": "response.done", "response": response}));
                }
            }
        }
    }

    /// Notes what was typed; returns its place in the record.
    fn note_typed(&self, texts: &[&str], now: Instant) -> Option<usize> {
        let mut place = None;
        if !texts.is_empty() {
            self.outbox.entry.note(|record| {
                place = Some(record.typed.len());
                record.typed.push(TypedRecord {
                    at: now,
                    text: texts.join("\n"),
                    said: None,
                    phrases: Vec::new(),
                });
            });
        }
        place
    }

    fn note_said(&self, order: &Order) {
        let Some(place) = order.typed else { return };
        self.outbox.entry.note(|record| {
            if let Some(typed) = record.typed.get_mut(place) {
                typed.said = Some(order.answer.transcript.clone());
                typed.phrases.clone_from(&order.answer.phrases);
            }
        });
    }

    fn note_sound(&mut self, about: &[String], wire: &[u8], now: Instant) {
        self.spoke = true;
        self.outbox.note_spoken(wire);
        self.outbox.entry.utterances(about, |u| {
            u.first_audio_at.get_or_insert(now);
        });
    }
}
