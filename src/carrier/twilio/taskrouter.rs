//! Events of the task queue (Twilio docs, TaskRouter event callbacks), as facts about a call.
//!
//! Only *Reservation Accepted* may be relied on; every other event improves things when it comes.

use serde::Deserialize;

use super::webhook::Fields;
use crate::call::{CallId, TaskEvent};
use crate::wire;

/// The private key of a task that holds our call id.
pub const CALL_KEY: &str = "duologue_call";

/// The private key of a task that holds the caller's language.
pub const LANGUAGE_KEY: &str = "duologue_language";

#[derive(Deserialize)]
struct Attributes {
    #[serde(default)]
    duologue_call: Option<String>,
}

/// Which of our calls an event names, whatever it says.
pub fn call(fields: &Fields) -> Option<CallId> {
    // They are the account's own, and may have any text beside what is ours.
    let mut mended = String::new();
    let attributes: Attributes = wire::from_json(fields.value("TaskAttributes"), &mut mended).ok()?;
    attributes.duologue_call?.parse().ok()
}

/// Which call an event is about, and what it says; `None` if it is about none of ours or says nothing of use.
pub fn read(fields: &Fields) -> Option<(CallId, TaskEvent)> {
    let call = call(fields)?;
    let event = match fields.value("EventType") {
        "reservation.created" => TaskEvent::Offered,
        "reservation.accepted" => {
            let worker = Some(fields.value("WorkerName")).filter(|name| !name.is_empty());
            TaskEvent::Accepted {
                worker: worker.map(|name| name.chars().take(100).collect()),
            }
        }
        "reservation.rejected"
        | "reservation.timeout"
        | "reservation.canceled"
        | "reservation.rescinded"
        | "reservation.failed" => TaskEvent::OfferEnded,
        "task.canceled" | "task.deleted" | "task.system-deleted" => TaskEvent::Canceled,
        "task.transfer-initiated" => TaskEvent::TransferStarted,
        "task.transfer-attempt-failed"
        | "task.transfer-failed"
        | "task.transfer-canceled"
        | "task.transfer-completed" => TaskEvent::TransferEnded,
        _ => return None,
    };
    Some((call, event))
}

/// The task's attributes: what the agent sees of the caller, and our own keys.
pub fn attributes(call: CallId, caller_number: &str, language_slug: &str, language_name: &str) -> String {
    let number: String = caller_number.chars().take(60).collect();
    serde_json::json!({
        "type": "inbound",
        "name": format!("{number} ({language_name})"),
        "caller_number": number,
        "language": language_name,
        CALL_KEY: call.to_string(),
        LANGUAGE_KEY: language_slug,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "0123456789abcdef0123456789abcdef";

    fn event(kind: &str, attributes: &str) -> Option<TaskEvent> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("EventType", kind)
            .append_pair("WorkerName", "ana")
            .append_pair("TaskAttributes", attributes);
        read(&Fields::parse(body.finish().as_bytes()).expect("few fields")).map(|(call, event)| {
            assert_eq!(call.to_string(), CALL);
            event
        })
    }

    #[test]
    fn events_of_our_calls_are_read_and_all_others_ignored() {
        let ours = attributes(CALL.parse().expect("an id"), "+1555\"}", "spanish", "Spanish");
        let accepted = TaskEvent::Accepted {
            worker: Some("ana".into()),
        };
        assert_eq!(event("reservation.accepted", &ours), Some(accepted));
        assert_eq!(event("reservation.created", &ours), Some(TaskEvent::Offered));
        let half = ours.replace("Spanish", r"\ud83d");
        assert_eq!(event("reservation.created", &half), Some(TaskEvent::Offered));
        assert_eq!(event("task.canceled", &ours), Some(TaskEvent::Canceled));
        assert_eq!(event("worker.activity.update", &ours), None);
        for foreign in [
            "",
            "{}",
            "[]",
            "{\"duologue_call\":7}",
            "{\"duologue_call\":\"x\"}",
            &"[".repeat(20_000),
        ] {
            assert_eq!(event("reservation.accepted", foreign), None);
        }
    }
}
