//! The loop through the Flex number: two calls, one task, one agent.

use super::*;

/// A REST-made call to the Flex number with an echoing stream.
async fn dial(sim: &CarrierSim, app: &App) -> String {
    let events = ["initiated", "ringing", "answered", "completed"];
    let (twiml, status) = (app.stream("echo", ""), app.at("/status"));
    let mut form = vec![
        ("To", FLEX),
        ("From", OURS),
        ("Twiml", &twiml),
        ("StatusCallback", &status),
    ];
    form.extend(events.map(|event| ("StatusCallbackEvent", event)));
    let (code, body) = rest(sim, "Calls.json", Some(&form)).await;
    assert_eq!(code, 201);
    body["sid"].as_str().expect("a sid").to_owned()
}

fn events(log: &[String]) -> Vec<&str> {
    log.iter()
        .filter_map(|entry| entry.strip_prefix("/events "))
        .collect()
}

#[tokio::test]
async fn an_agent_accepts_speaks_and_leaves() {
    let (sim, app) = stage().await;
    sim.agents()
        .script(|script| script.accept_delay = Duration::from_millis(100));
    let sid = dial(&sim, &app).await;
    let agent = sim.next_agent(SOON).await.expect("an agent");
    assert_eq!(agent.call_sid(), sid);
    let queue = agent.queue_call().expect("a queue");
    let attributes = agent.task_attributes().expect("a task");
    assert_eq!(attributes.as_object().map(serde_json::Map::len), Some(26));
    assert_eq!(
        (&attributes["duologue_call"], &attributes["from"]),
        (&"x".into(), &OURS.into())
    );
    assert_eq!(
        (&attributes["call_sid"], &attributes["caller_country"]),
        (&queue.sid.into(), &"US".into())
    );
    agent.speak(&clip());
    assert!(agent.spoken(SOON).await && agent.quiet_for(Duration::from_millis(200), SOON).await);
    assert!(position(&agent.heard(), &clip()).is_some());
    assert!(
        agent.unattended_ms() > 0,
        "the echo of the hold music was heard by nobody"
    );
    assert!(agent.hang_up(SOON).await);
    assert!(app.saw("/dequeued bridged").await && app.saw("/status completed").await);
    assert!(app.saw("/events task.completed").await && app.saw("stop").await);
    let log = app.log();
    assert_eq!(
        events(&log),
        [
            "task.created",
            "reservation.created",
            "reservation.accepted",
            "reservation.wrapup",
            "task.wrapup",
            "reservation.completed",
            "task.completed"
        ]
    );
    let status: Vec<&str> = log
        .iter()
        .filter_map(|entry| entry.strip_prefix("/status "))
        .collect();
    assert_eq!(status, ["initiated", "ringing", "in-progress", "completed"]);
    assert_eq!(sim.agents().tasks()[0].status, "completed");
    sim.stop().await;
}

#[tokio::test]
async fn a_caller_who_leaves_the_queue_cancels_the_task() {
    let (sim, app) = stage().await;
    sim.agents().script(|script| script.manual = true);
    let sid = dial(&sim, &app).await;
    let offer = sim.next_offer(SOON).await.expect("an offer");
    offer.decide(Decision::Reject);
    let second = sim.next_offer(SOON).await.expect("a second offer");
    let (code, body) = rest(
        &sim,
        &format!("Calls/{sid}.json"),
        Some(&[("Status", "completed")]),
    )
    .await;
    assert_eq!((code, &body["status"]), (200, &"completed".into()));
    assert!(app.saw("/dequeued hangup").await && app.saw("/events task.canceled").await);
    let log = app.log();
    assert!(log.contains(&"/events reservation.rejected".to_owned()));
    assert!(log.contains(&"/events reservation.canceled".to_owned()));
    second.decide(Decision::Accept);
    assert!(sim.next_agent(Duration::from_millis(100)).await.is_none());
}

#[tokio::test]
async fn acceptance_can_come_before_the_stream_twice_or_without_the_other_events() {
    let (sim, app) = stage().await;
    sim.agents().script(|script| {
        script.accepted = Accepted::BeforeStream;
        script.only_accepted = true;
    });
    dial(&sim, &app).await;
    let agent = sim.next_agent(SOON).await.expect("an agent");
    assert!(app.saw("start").await);
    let log = app.log();
    let at = |entry: &str| log.iter().position(|e| e == entry).expect("logged");
    assert!(at("/events reservation.accepted") < at("start"));
    assert_eq!(events(&log), ["reservation.accepted"]);
    agent.hang_up(SOON).await;
    sim.agents()
        .script(|script| script.accepted = Accepted::AfterStream(Duration::ZERO));
    sim.faults().events(Delivery {
        doubled: true,
        ..Delivery::default()
    });
    dial(&sim, &app).await;
    let twice = |sim: &CarrierSim| {
        sim.delivered()
            .iter()
            .filter(|d| d.param("EventType").is_some())
            .count()
            == 3
    };
    assert!(sim.until(SOON, twice).await);
    let log = app.log();
    let last = log
        .iter()
        .rposition(|e| e == "/events reservation.accepted")
        .expect("logged");
    let start = log.iter().rposition(|e| e == "start").expect("logged");
    assert!(start < last, "{log:?}");
}

#[tokio::test]
async fn a_rejected_loop_a_failed_queue_and_swapped_callbacks() {
    let (sim, app) = stage().await;
    sim.configure_number(FLEX, &app.at("/reject"));
    dial(&sim, &app).await;
    assert!(app.saw("/status busy").await);
    sim.configure_number(FLEX, &app.at("/flex"));
    sim.agents()
        .script(|script| script.decisions.push_back(Decision::EndQueue("queue-full")));
    sim.faults().callbacks(Delivery {
        swapped: true,
        ..Delivery::default()
    });
    dial(&sim, &app).await;
    assert!(app.saw("/dequeued queue-full").await && app.saw("/status completed").await);
    assert!(
        sim.until(SOON, |sim| sim.calls().iter().all(|call| call.status.is_final()))
            .await
    );
    assert!(app.saw("/status in-progress").await);
    let deliveries = sim.delivered();
    let numbers: Vec<&str> = deliveries
        .iter()
        .filter_map(|d| d.param("SequenceNumber"))
        .collect();
    assert_eq!(&numbers[3..5], ["1", "0"], "{numbers:?}");
}

#[tokio::test]
async fn a_softphone_answers_and_a_transfer_keeps_the_line() {
    let (sim, app) = stage().await;
    dial(&sim, &app).await;
    let agent = sim.next_agent(SOON).await.expect("an agent");
    let other = agent
        .transfer("bob", Duration::from_millis(100))
        .await
        .expect("a transfer");
    assert_eq!(
        (other.worker().as_deref(), other.call_sid()),
        (Some("bob"), agent.call_sid())
    );
    assert!(app.saw("/events task.transfer-completed").await);
    let accepted = |log: Vec<String>| {
        events(&log)
            .iter()
            .filter(|e| **e == "reservation.accepted")
            .count()
    };
    assert_eq!(accepted(app.log()), 2);
    let twiml = app.stream("echo", "");
    let form = [("To", "client:eva"), ("From", OURS), ("Twiml", twiml.as_str())];
    rest(&sim, "Calls.json", Some(&form)).await;
    let eva = sim.next_agent(SOON).await.expect("a softphone");
    assert!(eva.until(SOON, |record| record.streams == 1).await);
    eva.speak(&clip());
    assert!(eva.wait_heard_audible(400, SOON).await);
    assert!(eva.hang_up(SOON).await);
    assert!(eva.task_attributes().is_none());
}
