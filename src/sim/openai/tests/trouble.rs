//! Refusals, strictness and faults.

use super::*;

const KEY: (&str, &str) = ("authorization", "Bearer sk-sim");
const MODEL: &str = "?model=gpt-realtime-2.1";

async fn status(sim: &EngineSim, query: &str, headers: &[(&'static str, &str)]) -> u16 {
    match connect(sim, query, headers).await {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_handshake_needs_the_right_key_and_a_model_that_exists() {
    let sim = server().await;
    assert_eq!(status(&sim, MODEL, &[]).await, 401);
    assert_eq!(
        status(&sim, MODEL, &[("authorization", "Bearer sk-other")]).await,
        401
    );
    assert_eq!(status(&sim, "", &[KEY]).await, 400);
    assert_eq!(status(&sim, "?model=gpt-unheard-of", &[KEY]).await, 404);
    assert_eq!(status(&sim, MODEL, &[("api-key", "sk-sim")]).await, 101);
    let statuses: Vec<u16> = sim.ledger().handshakes.iter().map(|h| h.status).collect();
    assert_eq!(statuses, [401, 401, 400, 404, 101]);
}

#[tokio::test]
async fn the_beta_header_ends_the_session_with_4000() {
    let sim = server().await;
    let mut client = connect(&sim, MODEL, &[KEY, ("openai-beta", "realtime=v1")])
        .await
        .expect("a socket");
    assert_eq!(client.next().await["error"]["code"], "beta_api_shape_disabled");
    assert_eq!(client.closed().await.map(|(code, _)| code), Some(4000));
}

/// Code and place of the refusal, and the event.
const WRONG: &str = r#"
unknown_parameter session.audio.input.voice {"type":"session.update","session":{"type":"realtime","instructions":"CHANGED","audio":{"input":{"voice":"marin"}}}}
invalid_value session.audio.input.format.type {"type":"session.update","session":{"type":"realtime","instructions":"CHANGED","audio":{"input":{"format":{"type":"g711_ulaw"}}}}}
unknown_parameter session.audio.input.format.rate {"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcmu","rate":8000}}}}}
missing_required_parameter session.audio.output.format.rate {"type":"session.update","session":{"type":"realtime","audio":{"output":{"format":{"type":"audio/pcm"}}}}}
unknown_parameter session.audio.input.turn_detection.threshold {"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"semantic_vad","threshold":0.5}}}}}
invalid_value session.audio.input.turn_detection.threshold {"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","threshold":1.5}}}}}
invalid_value session.audio.input.transcription.keywords {"type":"session.update","session":{"type":"realtime","instructions":"CHANGED","audio":{"input":{"transcription":{"model":"whisper-1","keywords":["a"]}}}}}
missing_required_parameter session.type {"type":"session.update","session":{"instructions":"CHANGED"}}
invalid_value session.type {"type":"session.update","session":{"type":"transcription"}}
invalid_value session.output_modalities {"type":"session.update","session":{"type":"realtime","output_modalities":["text","audio"]}}
unknown_parameter session.temperature {"type":"session.update","session":{"type":"realtime","instructions":"CHANGED","temperature":0.6}}
invalid_value session.model {"type":"session.update","session":{"type":"realtime","model":"gpt-realtime-1.5"}}
invalid_type session.tools[0].name {"type":"session.update","session":{"type":"realtime","tools":[{"type":"function","name":1}]}}
missing_required_parameter session {"type":"session.update"}
invalid_value audio {"type":"input_audio_buffer.append","audio":"not base64!"}
unknown_parameter stream {"type":"input_audio_buffer.append","audio":"/w==","stream":1}
invalid_value response.input[0].id {"type":"response.create","response":{"input":[{"type":"item_reference","id":"gone"}]}}
unknown_parameter response.modalities {"type":"response.create","response":{"modalities":["audio"]}}
invalid_value item.content[0].type {"type":"conversation.item.create","item":{"type":"message","role":"assistant","content":[{"type":"input_text","text":"a"}]}}
"#;

#[tokio::test]
async fn a_wrong_event_is_refused_with_its_place_and_changes_nothing() {
    let sim = server().await;
    let mut client = Client::open(&sim).await;
    let mut wrong = 0;
    for line in WRONG.lines().filter(|line| !line.is_empty()) {
        let [code, place, event] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let mut event: Value = serde_json::from_str(event).expect("JSON");
        wrong += 1;
        event["event_id"] = json!(format!("event {wrong}"));
        client.send(event).await;
        let error = client.error().await;
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!(code), &json!(place)),
            "{error}"
        );
        assert_eq!(error["event_id"], json!(format!("event {wrong}")));
    }
    for garbage in ["", "[1]", "{\"type\":7}", "{\"type\":\"session.close\"}"] {
        client
            .socket
            .send(Message::text(garbage))
            .await
            .expect("an open socket");
        assert_eq!(client.error().await["code"], "invalid_event");
    }
    client
        .send(json!({"type": "session.update", "session": {"type": "realtime"}}))
        .await;
    let session = client.until("session.updated").await["session"].clone();
    assert_eq!(session, client.seen[0]["session"], "nothing was applied");
    assert_eq!(sim.ledger().sessions[0].appended_bytes, 0);
    assert_eq!(sim.ledger().sessions[0].errors.len(), wrong + 4);
}

#[tokio::test]
async fn handshakes_are_refused_as_often_as_asked_and_hang_on_demand() {
    let sim = server().await;
    sim.faults().refuse(Some(2), 429, Some(7));
    match connect(&sim, MODEL, &[KEY]).await {
        Err(Error::Http(response)) => {
            assert_eq!(response.status(), 429);
            assert_eq!(response.headers()["retry-after"], "7");
        }
        _ => panic!("accepted"),
    }
    assert_eq!(status(&sim, MODEL, &[KEY]).await, 429);
    assert_eq!(status(&sim, MODEL, &[KEY]).await, 101);
    sim.faults().refuse(None, 503, None);
    assert_eq!(status(&sim, MODEL, &[KEY]).await, 503);
    sim.faults().accept();
    sim.faults().hang_handshakes(true);
    let hung = connect(&sim, MODEL, &[KEY]);
    assert!(timeout(Duration::from_millis(100), hung).await.is_err());
    sim.faults().accept();
    assert_eq!(status(&sim, MODEL, &[KEY]).await, 101);
}

#[tokio::test]
async fn an_update_is_left_unconfirmed_or_confirmed_with_another_format() {
    let sim = server().await;
    let update =
        json!({"type": "session.update", "session": {"type": "realtime", "instructions": "into Hindi"}});
    let mut client = Client::open(&sim).await;
    sim.faults().withhold_updated(true);
    client.send(update.clone()).await;
    client.send(json!({"type": "input_audio_buffer.clear"})).await;
    client.until("input_audio_buffer.cleared").await;
    assert_eq!(client.place("session.updated"), None);
    assert_eq!(sim.ledger().sessions[0].target, Some(Tongue::Hindi));
    sim.faults().withhold_updated(false);
    sim.faults().confirm_format(Some(json!({"type": "audio/pcma"})));
    client.send(update).await;
    let session = client.until("session.updated").await["session"].clone();
    assert_eq!(session["audio"]["output"]["format"]["type"], "audio/pcma");
}

#[tokio::test]
async fn connections_are_dropped_or_closed_one_or_all() {
    let sim = server().await;
    let (mut first, mut second) = (Client::open(&sim).await, Client::open(&sim).await);
    let id = first.next().await["session"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    sim.faults().only(&id).drop_connections();
    assert_eq!(first.closed().await, None);
    sim.until(|ledger| (ledger.open().count() == 1).then_some(()))
        .await;
    sim.faults().close(1013, "try again later");
    assert_eq!(second.closed().await, Some((1013, "try again later".to_owned())));
    let closed = sim.until(|ledger| ledger.sessions[1].closed).await;
    assert_eq!(closed.1, Some(1013));
    assert_eq!(sim.open_sessions(), 0);
}

#[tokio::test]
async fn a_client_that_closes_gets_the_answer_and_is_recorded() {
    let sim = server().await;
    let mut client = Client::open(&sim).await;
    client.socket.close(None).await.expect("an open socket");
    while let Some(frame) = client.frame().await {
        frame.expect("an orderly end");
    }
    assert!(
        sim.until(|ledger| ledger.sessions[0].closed)
            .await
            .1
            .is_none_or(|code| code == 1005)
    );
}

#[tokio::test]
async fn a_stalled_session_neither_reads_nor_sends_and_a_muted_one_only_reads() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "Spanish", "English").await;
    sim.faults().mute(true);
    client.append(&[SILENCE; 160]).await;
    sim.until(|ledger| (ledger.sessions[0].appended_bytes == 160).then_some(()))
        .await;
    client.send(json!({"type": "input_audio_buffer.clear"})).await;
    assert!(
        timeout(Duration::from_millis(50), client.socket.next())
            .await
            .is_err()
    );
    sim.faults().mute(false);
    sim.faults().stall(true);
    client.send(json!({"type": "input_audio_buffer.clear"})).await;
    assert!(
        timeout(Duration::from_millis(50), client.socket.next())
            .await
            .is_err()
    );
    sim.faults().stall(false);
    client.until("input_audio_buffer.cleared").await;
}

#[tokio::test]
async fn strange_frames_come_as_they_are_ordered() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "Spanish", "English").await;
    sim.faults().send_garbage();
    let Some(Ok(Message::Text(garbage))) = client.frame().await else {
        panic!("no text")
    };
    assert!(serde_json::from_str::<Value>(&garbage).is_err());
    sim.faults().send_binary(&[1, 2, 3]);
    assert_eq!(
        client.frame().await.expect("a frame").expect("a frame"),
        Message::binary(vec![1, 2, 3])
    );
    sim.faults().send_unknown_event();
    assert_eq!(client.next().await["type"], "session.weather.updated");
    sim.faults().unknown_fields(true);
    sim.faults().insufficient_quota();
    let event = client.next().await;
    assert_eq!(event["error"]["code"], "insufficient_quota");
    assert!(event["surprise"].is_object());
    sim.faults().send_oversized();
    let Some(Ok(Message::Text(large))) = client.frame().await else {
        panic!("no text")
    };
    assert!(large.len() > 3 << 20);
    assert_eq!(sim.ledger().sessions[0].errors, ["insufficient_quota"]);
}

#[tokio::test]
async fn responses_fail_as_often_as_asked() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "English", "Spanish").await;
    sim.faults().fail_responses(1, "inference_rate_limit_exceeded");
    let mut statuses = Vec::new();
    client.say(clip(7, Tongue::English)).await;
    let item = client.until("input_audio_buffer.committed").await["item_id"].clone();
    for _ in 0..2 {
        client.ask_about(&item).await;
        let response = client.until("response.done").await["response"].clone();
        let answered = sim.ledger().sessions[0].utterances[0].answered;
        statuses.push((
            response["status"].clone(),
            response["status_details"]["error"]["code"].clone(),
            answered,
        ));
    }
    assert_eq!(
        statuses[0],
        (json!("failed"), json!("inference_rate_limit_exceeded"), false)
    );
    assert_eq!(statuses[1], (json!("completed"), Value::Null, true));
}

#[tokio::test]
async fn a_session_expires_at_its_age_or_on_demand_with_1001() {
    for age in [Duration::from_millis(30), Duration::from_secs(3_600)] {
        let sim = server_with(|o| o.max_age = age).await;
        let mut client = Client::open(&sim).await;
        client.until("conversation.created").await;
        if age.as_secs() > 0 {
            sim.faults().expire();
        }
        assert_eq!(client.error().await["code"], "session_expired");
        let (code, reason) = client.closed().await.expect("a close frame");
        assert_eq!((code, reason.contains("60 minutes")), (1001, true));
    }
}

#[tokio::test]
async fn pings_are_answered_and_a_reader_of_the_ledger_is_woken() {
    let sim = server().await;
    let mut client = Client::open(&sim).await;
    client.until("conversation.created").await;
    sim.ledger();
    client
        .socket
        .send(Message::Ping(vec![7].into()))
        .await
        .expect("an open socket");
    assert_eq!(
        client.frame().await.expect("a frame").expect("a frame"),
        Message::Pong(vec![7].into())
    );
    timeout(PATIENCE, sim.changed()).await.expect("a change");
    assert_eq!(sim.ledger().sessions[0].pings, 1);
    assert!(timeout(Duration::from_millis(20), sim.changed()).await.is_err());
    sim.stop().await;
    assert_eq!(client.closed().await, None);
}
