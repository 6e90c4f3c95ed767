//! The translation endpoint: refusals, strictness and faults.

use super::translating::{FRAME, KEY, PATH, translating, wide};
use super::*;

async fn status(sim: &EngineSim, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    match connect_to(sim, path, headers).await {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn each_endpoint_admits_its_own_models_with_the_right_key() {
    let sim = translating(|_| {}).await;
    assert_eq!(status(&sim, PATH, &[]).await, 401);
    assert_eq!(status(&sim, "/realtime/translations", &[KEY]).await, 400);
    assert_eq!(
        status(&sim, "/realtime/translations?model=gpt-realtime-2.1", &[KEY]).await,
        404
    );
    assert_eq!(
        status(&sim, "/realtime?model=gpt-realtime-translate", &[KEY]).await,
        400
    );
    assert_eq!(status(&sim, PATH, &[KEY]).await, 101);
}

#[tokio::test]
async fn whoever_asks_for_the_beta_is_closed_with_4000() {
    let sim = translating(|_| {}).await;
    let mut client = connect_to(&sim, PATH, &[KEY, ("openai-beta", "realtime=v1")])
        .await
        .expect("a socket");
    let error = client.next().await["error"].clone();
    assert_eq!(
        error["message"],
        "Translation sessions are only available on the GA API."
    );
    assert_eq!(client.closed().await.map(|(code, _)| code), Some(4000));
}

/// Code and place of the refusal, and the event.
const WRONG: &str = r#"
unknown_parameter session.type {"type":"session.update","session":{"type":"translation","audio":{"output":{"language":"en"}}}}
unknown_parameter session.model {"type":"session.update","session":{"model":"gpt-realtime-translate"}}
unknown_parameter session.instructions {"type":"session.update","session":{"instructions":"Translate."}}
unknown_parameter session.audio.output.voice {"type":"session.update","session":{"audio":{"output":{"language":"en","voice":"marin"}}}}
unknown_parameter session.audio.output.transcription {"type":"session.update","session":{"audio":{"output":{"transcription":null}}}}
unknown_parameter session.audio.input.format {"type":"session.update","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}}}}}
unknown_parameter session.audio.input.turn_detection {"type":"session.update","session":{"audio":{"input":{"turn_detection":null},"output":{"language":"en"}}}}
unknown_parameter session.audio.input.transcription.language {"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"gpt-realtime-whisper","language":"es"}}}}}
missing_required_parameter session.audio.input.transcription.model {"type":"session.update","session":{"audio":{"input":{"transcription":{}}}}}
invalid_value session.audio.input.noise_reduction.type {"type":"session.update","session":{"audio":{"input":{"noise_reduction":{"type":"car"}}}}}
invalid_value session.audio.output.language {"type":"session.update","session":{"audio":{"output":{"language":"zho"}}}}
invalid_value session.audio.output.language {"type":"session.update","session":{"audio":{"input":{"noise_reduction":{"type":"near_field"}},"output":{"language":"pt-BR"}}}}
missing_required_parameter session {"type":"session.update"}
unknown_parameter audio {"type":"session.update","audio":{"output":{"language":"en"}},"session":{}}
invalid_value audio {"type":"session.input_audio_buffer.append","audio":"not base64!"}
invalid_value audio {"type":"session.input_audio_buffer.append","audio":"AAAA"}
missing_required_parameter audio {"type":"session.input_audio_buffer.append"}
unknown_parameter stream {"type":"session.input_audio_buffer.append","audio":"AAA=","stream":1}
unknown_parameter reason {"type":"session.close","reason":"done"}
invalid_event null {"type":"input_audio_buffer.append","audio":"AAA="}
invalid_event null {"type":"response.create"}
"#;

#[tokio::test]
async fn a_wrong_event_is_refused_with_its_place_and_changes_nothing() {
    let sim = translating(|_| {}).await;
    let mut client = connect_to(&sim, PATH, &[KEY]).await.expect("a session");
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
        let param = error["param"].as_str().unwrap_or("null");
        assert_eq!((&error["code"], param), (&json!(code), place), "{error}");
        assert_eq!(error["event_id"], json!(format!("event {wrong}")));
    }
    client
        .send(json!({"type": "session.update", "session": {}}))
        .await;
    let session = client.until("session.updated").await["session"].clone();
    assert_eq!(session, client.seen[0]["session"], "nothing was applied");
    assert_eq!(sim.ledger().sessions[0].appended_bytes, 0);
    assert_eq!(sim.ledger().sessions[0].errors.len(), wrong);
}

#[tokio::test]
async fn what_is_null_is_turned_off_and_what_is_absent_stays() {
    let sim = translating(|_| {}).await;
    let mut client = Client::interpreter(&sim, "en").await;
    let near = json!({"type": "near_field"});
    client
        .send(json!({"type": "session.update", "session": {"audio": {"input": {"noise_reduction": near}}}}))
        .await;
    let audio = client.until("session.updated").await["session"]["audio"].clone();
    assert_eq!(audio["output"]["language"], "en");
    assert_eq!(audio["input"]["transcription"]["model"], "gpt-realtime-whisper");
    assert_eq!(audio["input"]["noise_reduction"], near);
    client
        .send(json!({"type": "session.update", "session": {"audio": {"input": {"transcription": null}}}}))
        .await;
    let audio = client.until("session.updated").await["session"]["audio"].clone();
    assert_eq!(
        audio["input"],
        json!({"transcription": null, "noise_reduction": near})
    );
}

#[tokio::test]
async fn an_update_is_left_unconfirmed_or_confirmed_with_another_language() {
    let sim = translating(|_| {}).await;
    sim.faults().confirm_language(Some("es"));
    let mut client = Client::interpreter(&sim, "en").await;
    let confirmed = client.seen.last().expect("an event");
    assert_eq!(confirmed["session"]["audio"]["output"]["language"], "es");
    sim.faults().withhold_updated(true);
    client
        .send(json!({"type": "session.update", "session": {}}))
        .await;
    client.finish().await;
    assert_eq!(
        client
            .seen
            .iter()
            .filter(|event| event["type"] == "session.updated")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_session_can_stay_open_after_its_close() {
    let sim = translating(|_| {}).await;
    sim.faults().withhold_closed(true);
    let mut client = Client::interpreter(&sim, "en").await;
    client.feed(&wide(clip(1, Tongue::French), 0), FRAME).await;
    client.send(json!({"type": "session.close"})).await;
    sim.until(|ledger| (ledger.translations(Tongue::English) == [(1, 1)]).then_some(()))
        .await;
    client.send(json!({"type": "session.close"})).await;
    assert_eq!(client.error().await["code"], "invalid_event");
    assert_eq!(client.phrases(), [(1, Tongue::English)]);
    assert_eq!(client.place("session.closed"), None);
}

#[tokio::test]
async fn a_silent_client_is_closed_and_one_that_pings_is_not() {
    let sim = translating(|_| {}).await;
    let (mut silent, mut pinging) = (
        Client::interpreter(&sim, "en").await,
        Client::interpreter(&sim, "es").await,
    );
    let mut pings = tokio::time::interval(Duration::from_millis(50));
    sim.faults().keepalive(Some(Duration::from_millis(400)));
    let closed = silent.closed();
    tokio::pin!(closed);
    let reason = loop {
        tokio::select! {
            reason = &mut closed => break reason,
            _ = pings.tick() => {
                pinging.socket.send(Message::Ping(Vec::new().into())).await.expect("an open socket");
            }
        }
    };
    assert_eq!(reason, Some((1011, "keepalive ping timeout".to_owned())));
    sim.faults().keepalive(None);
    pinging.finish().await;
}

#[tokio::test]
async fn a_session_that_idles_says_nothing_until_it_stops_idling() {
    let sim = translating(|options| options.profile = Profile::NearSilence).await;
    let mut client = Client::interpreter(&sim, "en").await;
    let (id, mut fed) = (sim.ledger().sessions[0].id.clone(), 0);
    for (on, id_of_phrase) in [(true, 1), (false, 3)] {
        sim.faults().only(&id).idle(on);
        // The fault has struck when the event that was ordered after it comes.
        sim.faults().send_unknown_event();
        while client.next().await["type"] != "session.weather.updated" {}
        let sound = wide(clip(id_of_phrase, Tongue::French), 25);
        fed += sound.len() as u64;
        client.feed(&sound, FRAME).await;
        sim.until(|ledger| (ledger.sessions[0].appended_bytes == fed).then_some(()))
            .await;
    }
    client.finish().await;
    assert_eq!(client.phrases(), [(3, Tongue::English)]);
    let ledger = sim.ledger();
    assert_eq!(ledger.translations(Tongue::English), [(1, 0), (3, 1)]);
    assert!(!ledger.sessions[0].utterances[0].answered);
    assert!(
        client.sounds()[..20]
            .concat()
            .iter()
            .all(|sample| sample.unsigned_abs() <= 63)
    );
}

#[tokio::test]
async fn long_zeros_put_a_session_to_sleep_and_noise_does_not() {
    let sim = translating(|_| {}).await;
    sim.faults().doze(Some(Duration::from_secs(3)));
    for (silence, phrases) in [(0_u8, 0), (1, 1)] {
        let mut client = Client::interpreter(&sim, "en").await;
        client.feed(&[silence, 0].repeat(20 * FRAME / 2), FRAME).await;
        client.feed(&wide(clip(1, Tongue::French), 5), FRAME).await;
        client.finish().await;
        assert_eq!(client.phrases().len(), phrases);
    }
}

#[tokio::test]
async fn events_can_come_in_binary_frames_and_errors_end_nothing() {
    let sim = translating(|_| {}).await;
    let mut client = Client::interpreter(&sim, "en").await;
    sim.faults().error("rate_limit_exceeded", "Slow down.");
    assert_eq!(client.error().await["code"], "rate_limit_exceeded");
    sim.faults().binary_events(true);
    client.feed(&[0; FRAME], FRAME).await;
    let Some(Ok(Message::Binary(bytes))) = client.frame().await else {
        panic!("no binary frame")
    };
    let event: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(event["type"], "session.output_audio.delta");
}

#[tokio::test]
async fn an_old_session_expires_with_1001_and_a_dropped_one_without_a_word() {
    let sim = translating(|_| {}).await;
    let mut client = Client::interpreter(&sim, "en").await;
    sim.faults().expire();
    assert_eq!(client.error().await["code"], "session_expired");
    assert_eq!(client.closed().await.map(|(code, _)| code), Some(1001));
    let mut client = Client::interpreter(&sim, "en").await;
    client.feed(&wide(clip(1, Tongue::French), 0), FRAME).await;
    sim.faults().drop_connections();
    assert_eq!(client.closed().await, None);
    let left = sim.until(|ledger| ledger.sessions[1].closed).await;
    assert_eq!(left.1, None);
}
