//! What a client can do and ask when all goes well.

use super::*;

#[tokio::test]
async fn a_turn_is_found_recognised_and_answered_with_the_recorded_translation() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "Spanish", "English").await;
    client.append(&[SILENCE; 8_000]).await;
    client.say(clip(1, Tongue::Spanish)).await;
    let started = client.until("input_audio_buffer.speech_started").await;
    let item = client.until("input_audio_buffer.committed").await["item_id"].clone();
    assert_eq!(started["item_id"], item);
    client.ask_about(&item).await;
    let response = client.until("response.done").await["response"].clone();
    assert_eq!(response["status"], "completed");
    assert_eq!(response["conversation_id"], Value::Null);
    assert_eq!(response["metadata"]["about"], item);
    let words = text(1, Tongue::English);
    assert_eq!(response["output"][0]["content"][0]["transcript"], words);
    assert_eq!(client.audio_of(&response), clip(1, Tongue::English));

    let ledger = sim.ledger();
    let record = ledger.speaking(Tongue::English).expect("a session");
    let said = &record.utterances[0];
    assert_eq!((said.heard[0].id, said.heard[0].tongue), (1, Tongue::Spanish));
    assert!(said.answered && said.first_audio_at.is_some());
    assert_eq!(record.spoken, clip(1, Tongue::English));
    assert_eq!(
        record.appended_bytes as usize,
        8_000 + clip(1, Tongue::Spanish).len() + 5_600
    );
    assert_eq!(record.items, 1, "an answer out of band is no item");
    assert!(record.errors.is_empty());
}

#[tokio::test]
async fn automatic_turns_in_pcm_answer_into_the_conversation() {
    let sim = server().await;
    let mut client = Client::open(&sim).await;
    client
        .send(json!({"type": "session.update", "session": {"type": "realtime",
            "instructions": "From English into French."}}))
        .await;
    let wide: Vec<u8> = clip(3, Tongue::English)
        .iter()
        .chain(&[SILENCE; 6_000])
        .flat_map(|&byte| [crate::sim::speech::decode(byte).to_le_bytes(); 3].concat())
        .collect();
    // An odd size leaves half samples between the pieces.
    for piece in wide.chunks(4_801) {
        client
            .send(json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(piece)}))
            .await;
    }
    let response = client.until("response.done").await["response"].clone();
    assert!(response["conversation_id"].is_string());
    let narrow: Vec<u8> = client
        .audio_of(&response)
        .chunks(6)
        .map(|six| encode(i16::from_le_bytes([six[0], six[1]])))
        .collect();
    let heard = recognise(&narrow).expect("speech");
    assert_eq!((heard.id, heard.tongue), (3, Tongue::French));
    let added: Vec<&Value> = client
        .seen
        .iter()
        .filter(|event| event["type"] == "conversation.item.added")
        .collect();
    assert_eq!(added[1]["previous_item_id"], added[0]["item"]["id"]);
    assert_eq!(added[1]["item"]["role"], "assistant");
}

#[tokio::test]
async fn two_phrases_in_one_turn_are_both_translated() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "French", "Hindi").await;
    let pause = [SILENCE; 2_400];
    client
        .say(&[clip(0, Tongue::French), &pause, clip(2, Tongue::French)].concat())
        .await;
    let item = client.until("input_audio_buffer.committed").await["item_id"].clone();
    client.ask_about(&item).await;
    let response = client.until("response.done").await["response"].clone();
    let words = format!("{} {}", text(0, Tongue::Hindi), text(2, Tongue::Hindi));
    assert_eq!(response["output"][0]["content"][0]["transcript"], json!(words));
}

#[tokio::test]
async fn noise_and_speech_in_the_target_language_are_answered_with_silence() {
    let sim = server().await;
    for foreign in [chirp("some beeps"), clip(4, Tongue::English).to_vec()] {
        let mut client = Client::translator(&sim, "Spanish", "English").await;
        client.say(&foreign).await;
        let item = client.until("input_audio_buffer.committed").await["item_id"].clone();
        client.ask_about(&item).await;
        let response = client.until("response.done").await["response"].clone();
        assert_eq!(
            (&response["status"], &response["output"]),
            (&json!("completed"), &json!([]))
        );
        assert_eq!(client.place("response.output_audio.delta"), None);
    }
}

#[tokio::test]
async fn typed_text_is_spoken_from_the_book_or_as_a_chirp() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "English", "Spanish").await;
    let mut spoken = Vec::new();
    for typed in [text(6, Tongue::English), "The office is closed."] {
        client
            .send(
                json!({"type": "response.create", "response": {"conversation": "none", "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": typed}]}]}}),
            )
            .await;
        let response = client.until("response.done").await["response"].clone();
        spoken.push((
            response["output"][0]["content"][0]["transcript"].clone(),
            client.audio_of(&response),
        ));
    }
    assert_eq!(
        spoken[0],
        (json!(text(6, Tongue::Spanish)), clip(6, Tongue::Spanish).to_vec())
    );
    assert_eq!(spoken[1].0, "[spanish] The office is closed.");
    assert_eq!(recognise(&spoken[1].1), None);
    assert!(spoken[1].1.len() > 4_000);
    let ledger = sim.ledger();
    let typed: Vec<_> = ledger
        .typed()
        .map(|one| (one.text.as_str(), one.said.as_deref(), one.phrases.as_slice()))
        .collect();
    let first = [(6, Tongue::Spanish)];
    assert_eq!(
        typed,
        [
            (
                text(6, Tongue::English),
                Some(text(6, Tongue::Spanish)),
                &first[..]
            ),
            (
                "The office is closed.",
                Some("[spanish] The office is closed."),
                &[]
            ),
        ]
    );
}

#[tokio::test]
async fn one_response_at_a_time_speaks_into_the_conversation_and_others_beside_it() {
    let sim = server_with(|o| o.think = Duration::from_secs(60)).await;
    let mut client = Client::translator(&sim, "English", "Spanish").await;
    client.send(json!({"type": "response.create"})).await;
    client.until("response.created").await;
    client
        .send(json!({"type": "response.create", "event_id": "second"}))
        .await;
    let error = client.error().await;
    assert_eq!(error["code"], "conversation_already_has_active_response");
    assert_eq!(error["event_id"], "second");
    client
        .send(json!({"type": "response.create", "response": {"conversation": "none"}}))
        .await;
    let beside = client.until("response.created").await["response"]["id"].clone();
    client
        .send(json!({"type": "response.cancel", "response_id": beside}))
        .await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!((&done["id"], &done["status"]), (&beside, &json!("cancelled")));
    client.send(json!({"type": "response.cancel"})).await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(done["status_details"]["reason"], "client_cancelled");
    client.send(json!({"type": "response.cancel"})).await;
    assert_eq!(client.error().await["code"], "response_cancel_not_active");
}

#[tokio::test]
async fn speech_interrupts_a_response_only_where_that_is_asked_for() {
    for interrupts in [true, false] {
        let sim = server_with(|o| o.speed = 1.0).await;
        let mut client = Client::open(&sim).await;
        client.configure("English into Spanish", json!(interrupts)).await;
        client
            .send(
                json!({"type": "response.create", "response": {"input": [{"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": text(0, Tongue::English)}]}]}}),
            )
            .await;
        client.until("response.output_audio.delta").await;
        client.say(clip(1, Tongue::English)).await;
        let done = client.until("response.done").await["response"].clone();
        let status = if interrupts { "cancelled" } else { "completed" };
        assert_eq!(done["status"], status, "{done}");
        let sound = client.audio_of(&done);
        assert_eq!(sound.len() < clip(0, Tongue::Spanish).len(), interrupts);
        if interrupts {
            assert_eq!(done["status_details"]["reason"], "turn_detected");
            assert!(client.place("response.output_audio.done").is_some());
        }
    }
}

#[tokio::test]
async fn a_token_limit_cuts_the_answer_short() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "English", "Spanish").await;
    client
        .send(
            json!({"type": "response.create", "response": {"conversation": "none", "max_output_tokens": 20,
            "input": [{"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": text(0, Tongue::English)}]}]}}),
        )
        .await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(
        (&done["status"], &done["max_output_tokens"]),
        (&json!("incomplete"), &json!(20))
    );
    assert!(client.audio_of(&done).len() < clip(0, Tongue::Spanish).len() / 2);
}

fn create(item: Value, after: Value) -> Value {
    json!({"type": "conversation.item.create", "previous_item_id": after, "item": item})
}

fn thanks(id: &str) -> Value {
    json!({"id": id, "type": "message", "role": "user",
        "content": [{"type": "input_text", "text": "Thanks"}]})
}

#[tokio::test]
async fn items_are_created_placed_and_deleted() {
    let sim = server().await;
    let mut client = Client::open(&sim).await;
    let output = json!({"type": "function_call_output", "call_id": "call_1", "output": "{}"});
    let orders = [
        (thanks("one"), Value::Null, Value::Null),
        (thanks("two"), json!("root"), Value::Null),
        (thanks("three"), json!("two"), json!("two")),
        (output, Value::Null, json!("one")),
    ];
    for (item, after, previous) in orders {
        client.send(create(item.clone(), after)).await;
        let done = client.until("conversation.item.done").await;
        assert_eq!(done["previous_item_id"], previous);
        let fields = item.as_object().expect("an object");
        assert!(fields.iter().all(|(name, value)| done["item"][name] == *value));
        // What an item of a kind does not have is absent, not null.
        assert_eq!(
            done["item"].get("content").is_some(),
            item.get("content").is_some()
        );
    }
    for wrong in [
        create(thanks("one"), Value::Null),
        create(thanks("four"), json!("nobody")),
    ] {
        client.send(wrong).await;
        assert_eq!(client.error().await["code"], "invalid_value");
    }
    let delete = json!({"type": "conversation.item.delete", "item_id": "one"});
    client.send(delete.clone()).await;
    client.until("conversation.item.deleted").await;
    client.send(delete).await;
    assert_eq!(client.error().await["code"], "item_delete_invalid_item_id");
    assert_eq!(sim.ledger().sessions[0].items, 3);
}

#[tokio::test]
async fn what_was_spoken_is_truncated_to_what_was_heard_and_no_longer() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "English", "Spanish").await;
    client.send(create(thanks("one"), Value::Null)).await;
    client.send(json!({"type": "response.create"})).await;
    let done = client.until("response.done").await["response"].clone();
    let spoken = done["output"][0]["id"].clone();
    let long = client.audio_of(&done).len() / 8;
    let truncate = |ms: usize| {
        let end = json!(ms);
        json!({"type": "conversation.item.truncate", "item_id": spoken,
            "content_index": 0, "audio_end_ms": end})
    };
    client.send(truncate(long + 60)).await;
    let message = client.error().await["message"].to_string();
    let expected = format!("{long}ms is already shorter than {}ms", long + 60);
    assert!(message.contains(&expected), "{message}");
    client.send(truncate(100)).await;
    client.until("conversation.item.truncated").await;
    client
        .send(json!({"type": "conversation.item.retrieve", "item_id": spoken}))
        .await;
    let shown = client.until("conversation.item.retrieved").await["item"].clone();
    assert_eq!(shown["content"][0]["transcript"], Value::Null);
    let audio = shown["content"][0]["audio"].as_str().expect("audio");
    assert_eq!(STANDARD.decode(audio).expect("base64").len(), 800);
}

#[tokio::test]
async fn audio_is_committed_by_hand_where_turns_are_not_detected() {
    let sim = server().await;
    let mut client = Client::translator(&sim, "Hindi", "English").await;
    client
        .send(json!({"type": "session.update", "session": {"type": "realtime",
            "audio": {"input": {"turn_detection": null}}}}))
        .await;
    client.until("session.updated").await;
    client.append(&[SILENCE; 400]).await;
    client.send(json!({"type": "input_audio_buffer.commit"})).await;
    assert_eq!(client.error().await["code"], "input_audio_buffer_commit_empty");
    client.send(json!({"type": "input_audio_buffer.clear"})).await;
    client.until("input_audio_buffer.cleared").await;
    client.append(clip(5, Tongue::Hindi)).await;
    client.send(json!({"type": "input_audio_buffer.commit"})).await;
    client.send(json!({"type": "response.create"})).await;
    client.until("response.done").await;
    let ledger = sim.ledger();
    let said = &ledger.sessions[0].utterances[0];
    assert_eq!((said.heard[0].id, said.start_ms), (5, 50));
    assert_eq!(ledger.sessions[0].spoken, clip(5, Tongue::English));
}

#[tokio::test]
async fn the_order_of_events_varies_where_it_is_not_promised_and_nowhere_else() {
    let sim = server_with(|o| (o.transcription, o.think) = (None, Duration::from_millis(30))).await;
    let mut orders = [Vec::new(), Vec::new()];
    for _ in 0..8 {
        let mut client = Client::translator(&sim, "English", "Spanish").await;
        client.say(clip(5, Tongue::English)).await;
        let item = client.until("input_audio_buffer.committed").await["item_id"].clone();
        client.ask_about(&item).await;
        let done = client.until("response.done").await;
        let place = |kind: &str| client.place(kind).expect(kind);
        let part = "response.content_part.done";
        assert!(place("response.created") < place("response.output_item.added"));
        assert!(place("response.content_part.added") < place("response.output_audio.delta"));
        assert!(place("response.output_audio.done") < place(part));
        assert!(place("response.output_audio_transcript.done") < place(part));
        assert!(place(part) < place("response.output_item.done"));
        assert_eq!(client.seen.last(), Some(&done));
        orders[0].push(place("response.output_audio.done") < place("response.output_audio_transcript.done"));
        orders[1].push(
            client
                .place("conversation.item.input_audio_transcription.completed")
                .is_some(),
        );
    }
    for order in &orders {
        assert!(order.contains(&true) && order.contains(&false), "{orders:?}");
    }
}
