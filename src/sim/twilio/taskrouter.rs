//! `<Enqueue>` with a workflow: offers to agents until one accepts, then the agent is on the line.
//!
//! The call waits with hold music; when one side leaves, the queue fails or the task's time is up, the `<Enqueue action>` is
//! asked what comes next. The task itself and its events are in `task`.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{
    agents::{Accepted, Decision, Offer},
    call::Call,
    callbacks::pair,
    carrier::Carrier,
    document::Element,
    interpreter::{Flow, Run},
    party::Party,
    sid::lock,
    task::Task,
    voice::Voice,
};

/// How a queue ended.
enum QueueEnd {
    CallerGone,
    AgentLeft,
    Expired,
    Failed(&'static str),
}

/// Runs the verb.
pub(super) async fn enqueue(run: &Run<'_>, verb: &Element) -> Flow {
    let task = match Task::open(run, verb) {
        Ok(task) => Arc::new(task),
        Err(text) => {
            run.call.warn(14221, text);
            return Flow::Next;
        }
    };
    run.carrier.agents.add_task(task.clone());
    let looped = lock(&run.call.peer).upgrade();
    // Twilio's own music plays unless the app asks for something else; an empty URL asks for silence.
    let music = verb.attribute("waitUrl") != Some("");
    if looped.is_some() {
        run.call.voice.hold_music(music);
    }
    task.report("task.created");
    let end = tokio::select! {
        biased;
        () = run.end.cancelled() => QueueEnd::CallerGone,
        end = task.route(run, looped.as_ref()) => end,
    };
    if let Some(caller) = &looped {
        caller.voice.leave();
        caller.voice.hold_music(false);
        caller.gate.send_replace(true);
    }
    let result = task.wind_up(run, &end);
    let Some(action) = verb.attribute("action") else {
        return Flow::Next;
    };
    let extra = vec![
        pair("QueueResult", result),
        pair("QueueSid", &task.queue_sid),
        pair("QueueTime", &task.created.elapsed().as_secs().to_string()),
    ];
    if !matches!(end, QueueEnd::CallerGone) {
        return run.goto(action, verb.attribute("method"), extra);
    }
    if let Some(url) = run.resolve(action) {
        let mut params = run.carrier.voice_params(run.call);
        for (name, value) in &mut params {
            if name == "CallStatus" {
                *value = "completed".to_owned();
            }
        }
        params.extend(extra);
        task.outbox.post(run.carrier.webhook(&url, params));
    }
    Flow::HangUp
}

impl Task {
    /// From the first offer to the agent's leaving.
    async fn route(self: &Arc<Self>, run: &Run<'_>, looped: Option<&Arc<Call>>) -> QueueEnd {
        match tokio::time::timeout(self.timeout, self.offers(run.carrier)).await {
            Err(_) => return QueueEnd::Expired,
            Ok(Some(result)) => return QueueEnd::Failed(result),
            Ok(None) => {}
        }
        self.deliver_accepted(run.carrier, looped).await;
        tokio::time::sleep(run.carrier.agents.current().join_delay).await;
        let queue = run.call.clone();
        let party = match looped {
            Some(caller) => {
                caller.voice.hold_music(false);
                caller.voice.arrive();
                Party::new(run.carrier, caller, &caller.voice)
            }
            None => Party::new(run.carrier, run.call, &Arc::new(Voice::new(true, false))),
        };
        run.carrier.arrive(party.with_task(queue, self.clone()));
        self.left.cancelled().await;
        QueueEnd::AgentLeft
    }

    /// Offers until somebody accepts (None) or the queue fails.
    async fn offers(&self, carrier: &Arc<Carrier>) -> Option<&'static str> {
        loop {
            let script = carrier.agents.current();
            tokio::time::sleep(script.offer_delay).await;
            self.offer(carrier, &script.worker);
            let decision = if script.manual {
                let (sender, decision) = oneshot::channel();
                carrier.agents.add_offer(Offer {
                    task_sid: self.sid.clone(),
                    reservation_sid: lock(&self.state).reservation.clone().unwrap_or_default(),
                    attributes: self.attributes.clone(),
                    decision: sender,
                });
                carrier.changed.send_replace(());
                decision.await.unwrap_or(Decision::TimeOut)
            } else {
                tokio::time::sleep(script.accept_delay).await;
                carrier.agents.next_decision()
            };
            match decision {
                Decision::Accept => {
                    self.set("assigned");
                    return None;
                }
                Decision::Reject => self.withdraw("reservation.rejected"),
                Decision::TimeOut => self.withdraw("reservation.timeout"),
                Decision::EndQueue(result) => return Some(result),
            }
        }
    }

    async fn deliver_accepted(self: &Arc<Self>, carrier: &Arc<Carrier>, looped: Option<&Arc<Call>>) {
        const EVENT: &str = "reservation.accepted";
        let task = self.clone();
        match carrier.agents.current().accepted {
            Accepted::Once => self.report(EVENT),
            Accepted::Twice => {
                self.report(EVENT);
                self.report(EVENT);
            }
            Accepted::Never => {}
            Accepted::Late(delay) => carrier.spawn(async move {
                tokio::time::sleep(delay).await;
                task.report(EVENT);
            }),
            Accepted::AfterStream(delay) => {
                let caller = looped.cloned();
                carrier.spawn(async move {
                    if let Some(caller) = caller {
                        caller
                            .until(|record| record.streams > 0 || record.status.is_final())
                            .await;
                    }
                    tokio::time::sleep(delay).await;
                    task.report(EVENT);
                });
            }
            Accepted::BeforeStream => {
                if let Some(posted) = self.event(EVENT) {
                    // An error only says that the carrier is being stopped.
                    let _ = posted.await;
                }
                if let Some(caller) = looped {
                    caller.gate.send_replace(true);
                }
            }
        }
    }

    /// The events of the task's end; returns the `QueueResult`.
    fn wind_up(&self, run: &Run<'_>, end: &QueueEnd) -> &'static str {
        let mut state = lock(&self.state);
        let accepted = state.status == "assigned";
        let pending = state.status == "reserved";
        state.status = if accepted { "completed" } else { "canceled" };
        if !accepted {
            let hung_up = matches!(end, QueueEnd::CallerGone);
            state.reason = if hung_up { "hangup" } else { "Task TTL Exceeded" }.to_owned();
        }
        drop(state);
        let events: &[&str] = match (accepted, pending) {
            (true, _) => &[
                "reservation.wrapup",
                "task.wrapup",
                "reservation.completed",
                "task.completed",
            ],
            (false, true) => &["reservation.canceled", "task.canceled"],
            (false, false) => &["task.canceled"],
        };
        for event in events {
            self.report(event);
        }
        match end {
            QueueEnd::CallerGone => "hangup",
            QueueEnd::AgentLeft => "bridged",
            QueueEnd::Expired => run.carrier.agents.current().expired_result,
            QueueEnd::Failed(result) => result,
        }
    }
}
