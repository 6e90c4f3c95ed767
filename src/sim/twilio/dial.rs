//! Calls to somebody: REST-made calls to one of our own numbers (a loop), to a softphone or a telephone, and
//! `<Dial><Client>`.
//!
//! A loop makes a second, inbound call at the number, with a SID of its own; nothing but `From` and `To` crosses. Both ends
//! share one voice: what one plays the other hears.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};

use super::{
    agents::{Accepted, Answer},
    call::{Call, Direction, Interrupt, Source, Status},
    callbacks::{Callbacks, pair},
    carrier::{Carrier, Number},
    document::Element,
    interpreter::{self, Flow, Run},
    outbox::{Kind, Outbox},
    party::Party,
    sid::lock,
    voice::Voice,
};

/// Places a call that the REST API has made, and runs its TwiML once it is answered.
pub(super) async fn place(
    carrier: Arc<Carrier>,
    call: Arc<Call>,
    mut interrupts: UnboundedReceiver<Interrupt>,
    mut source: Source,
    ring_limit: Duration,
) {
    let answered = {
        let ring = ring(&carrier, &call);
        tokio::pin!(ring);
        let give_up = tokio::time::sleep(ring_limit);
        tokio::pin!(give_up);
        loop {
            tokio::select! {
                biased;
                answered = &mut ring => break answered,
                Some(interrupt) = interrupts.recv() => match interrupt {
                    Interrupt::HangUp(status) => break Err(status),
                    Interrupt::Run(other) => source = other,
                },
                () = &mut give_up => break Err(Status::NoAnswer),
            }
        }
    };
    match answered {
        Ok(()) => {
            carrier.set_status(&call, Status::InProgress);
            interpreter::run(carrier, call, source, interrupts).await;
        }
        Err(status) => interpreter::finish(&carrier, &call, status),
    }
}

/// Rings until somebody answers; the error is the status of a call that nobody answered.
async fn ring(carrier: &Arc<Carrier>, call: &Arc<Call>) -> Result<(), Status> {
    if let Some(slot) = reserve_slot(carrier) {
        tokio::time::sleep_until(slot).await;
    }
    carrier.set_status(call, Status::Initiated);
    carrier.set_status(call, Status::Ringing);
    match carrier.number(&call.id.to) {
        Some(number) if number.voice_url.is_some() => loop_back(carrier, call, &number).await,
        _ => phone(carrier, call).await,
    }
}

/// API calls leave the queue one after the other, at the account's rate.
fn reserve_slot(carrier: &Carrier) -> Option<Instant> {
    let rate = carrier.options.calls_per_second?;
    let mut next = lock(&carrier.next_slot);
    let slot = next.unwrap_or_else(Instant::now).max(Instant::now());
    *next = Some(slot + Duration::from_secs(1) / rate.max(1));
    Some(slot)
}

async fn loop_back(carrier: &Arc<Carrier>, call: &Arc<Call>, number: &Number) -> Result<(), Status> {
    let id = (call.id.from.as_str(), call.id.to.as_str(), Direction::Inbound);
    let callbacks = number_callbacks(carrier, number);
    let (far, interrupts) = carrier.open_call(id, call.voice.clone(), Status::Ringing, callbacks);
    *lock(&call.peer) = Arc::downgrade(&far);
    *lock(&far.peer) = Arc::downgrade(call);
    if carrier.agents.current().accepted == Accepted::BeforeStream {
        call.gate.send_replace(false);
    }
    let source = Source::post(number.voice_url.as_deref().unwrap_or_default());
    let delay = carrier.faults.state().loop_delay;
    let (runner, ringing) = (carrier.clone(), far.clone());
    carrier.spawn(async move {
        tokio::time::sleep(delay).await;
        interpreter::run(runner, ringing, source, interrupts).await;
    });
    far.until(|record| record.status == Status::InProgress || record.status.is_final())
        .await;
    match far.status() {
        Status::InProgress => Ok(()),
        // Answered and over in one go.
        Status::Completed => far.record().answered.map(|_| ()).ok_or(Status::NoAnswer),
        other => Err(other),
    }
}

async fn phone(carrier: &Arc<Carrier>, call: &Arc<Call>) -> Result<(), Status> {
    let script = carrier.agents.current();
    tokio::time::sleep(script.ring).await;
    match script.answer {
        Answer::PickUp => {}
        Answer::Busy => return Err(Status::Busy),
        Answer::Unknown => return Err(Status::Failed),
        Answer::Ignore => std::future::pending().await,
    }
    carrier.set_status(call, Status::InProgress);
    call.voice.arrive();
    carrier.arrive(Party::new(carrier, call, &call.voice));
    Ok(())
}

/// The callbacks of calls that come in at a number.
pub(super) fn number_callbacks(carrier: &Arc<Carrier>, number: &Number) -> Option<Callbacks> {
    let url = number.status_url.clone()?;
    Some(Callbacks::new(
        Outbox::new(carrier, Kind::Status),
        url,
        Vec::new(),
    ))
}

/// `<Dial><Client>`: a child call to a softphone; the two are together until one hangs up.
pub(super) async fn dial_client(run: &Run<'_>, verb: &Element) -> Flow {
    let Some(client) = verb.child("Client") else {
        run.call.warn(13214, "only <Dial><Client> is simulated");
        return Flow::Next;
    };
    let identity = client
        .child("Identity")
        .map_or(&client.text, |identity| &identity.text);
    let from = verb.attribute("callerId").unwrap_or(&run.call.id.from);
    let to = format!("client:{identity}");
    let voice = Arc::new(Voice::new(false, false));
    let id = (from, to.as_str(), Direction::OutboundDial);
    let (child, mut interrupts) = run.carrier.open_call(id, voice, Status::Ringing, None);
    let timeout = verb
        .attribute("timeout")
        .and_then(|v| v.parse().ok())
        .unwrap_or(30);
    let answered = tokio::select! {
        () = run.end.cancelled() => Err(Status::Canceled),
        answered = phone(run.carrier, &child) => answered,
        () = tokio::time::sleep(Duration::from_secs(timeout)) => Err(Status::NoAnswer),
    };
    let status = match answered {
        Ok(()) => {
            tokio::select! {
                () = run.end.cancelled() => {}
                _ = interrupts.recv() => {}
            }
            Status::Completed
        }
        Err(status) => status,
    };
    interpreter::finish(run.carrier, &child, status);
    let seconds = child.record().duration.as_secs().to_string();
    let extra = vec![
        pair("DialCallStatus", status.word()),
        pair("DialCallSid", &child.id.sid),
        pair("DialCallDuration", &seconds),
    ];
    match verb.attribute("action") {
        Some(action) if !run.end.is_cancelled() => run.goto(action, verb.attribute("method"), extra),
        _ => Flow::Next,
    }
}
