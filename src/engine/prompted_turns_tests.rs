//! Turns: asked for one at a time, answered, failed, written down and deleted.

use super::*;

#[test]
fn words_of_the_speaker_are_passed_on_as_they_come_and_the_complete_text_after_them() {
    let mut engine = Engine::new();
    engine.commits("a");
    let delta = |item: &str| {
        json!({"type": "conversation.item.input_audio_transcription.delta",
        "item_id": item, "content_index": 0, "delta": "ho"})
    };
    let told = engine.says(&delta("a"));
    assert!(
        told.starts_with(r#"SourceText { turn: 1, text: "ho", partial: true"#),
        "{told}"
    );
    assert_eq!(engine.says(&delta("b")), "nothing", "an item that nobody knows");
    let told = engine.transcribes("a");
    assert!(
        told.starts_with(r#"SourceText { turn: 1, text: "hola", partial: false"#),
        "{told}"
    );
    assert_eq!(engine.says(&delta("a")), "nothing", "it is complete");
}

#[test]
fn one_answer_is_asked_for_at_a_time_and_turns_keep_their_order() {
    let mut engine = Engine::new();
    assert_eq!(engine.commits("a"), "TurnStarted { turn: 1 }");
    assert_eq!(engine.commits("b"), "TurnStarted { turn: 2 }");
    assert_eq!(engine.commits("c"), "TurnStarted { turn: 3 }");
    assert_eq!(engine.asked(), ["a"]);
    let create = &engine.sent[0];
    assert_eq!(create["response"]["conversation"], "none");
    assert_eq!(
        create["response"]["input"],
        json!([{"type": "item_reference", "id": "a"}])
    );
    assert_eq!(create["event_id"], "turn-1");
    engine.created("r1");
    assert!(engine.done("r1", "completed").starts_with("TurnDone { turn: 1"));
    assert_eq!(engine.asked(), ["a", "b"]);
    engine.created("r2");
    assert!(engine.done("r2", "incomplete").starts_with("TurnDone { turn: 2"));
    engine.created("r3");
    assert!(engine.done("r3", "cancelled").starts_with("TurnDone { turn: 3"));
    assert_eq!(engine.asked(), ["a", "b", "c"]);
}

#[test]
fn an_item_that_is_committed_twice_is_one_turn() {
    let mut engine = Engine::new();
    engine.commits("a");
    assert_eq!(engine.commits("a"), "nothing");
    assert_eq!(engine.asked(), ["a"]);
}

#[test]
fn speech_and_its_translation_are_told_with_their_turn() {
    let mut engine = Engine::new();
    let event = |kind: &str| json!({"type": kind});
    assert_eq!(
        engine.says(&event("input_audio_buffer.speech_started")),
        "SpeechStarted"
    );
    assert_eq!(
        engine.says(&event("input_audio_buffer.speech_stopped")),
        "SpeechStopped"
    );
    engine.commits("a");
    engine.created("r1");
    let delta = |kind: &str, id: &str, delta: &str| json!({"type": kind, "response_id": id, "delta": delta});
    let audio = "response.output_audio.delta";
    assert_eq!(
        engine.says(&delta(audio, "r1", "AQID")),
        "Audio { turn: 1, mulaw: [1, 2, 3] }"
    );
    let text = "response.output_audio_transcript.delta";
    assert_eq!(
        engine.says(&delta(text, "r1", "Good \"day\"")),
        r#"TargetText { turn: 1, delta: "Good \"day\"" }"#
    );
    assert_eq!(engine.says(&delta(audio, "other", "AQID")), "nothing");
    assert_eq!(engine.says(&delta(audio, "r1", "no base64")), "nothing");
    assert_eq!(engine.done("other", "completed"), "nothing");
    engine.done("r1", "completed");
    assert_eq!(engine.says(&delta(audio, "r1", "AQID")), "nothing", "it is over");
}

#[test]
fn an_answer_that_fails_unheard_is_asked_for_once_more() {
    let mut engine = Engine::new();
    engine.commits("a");
    engine.commits("b");
    engine.created("r1");
    assert_eq!(engine.fails("r1", "server_error"), "nothing");
    assert_eq!(engine.asked(), ["a", "a"]);
    engine.created("r2");
    assert_eq!(engine.fails("r2", "server_error"), "TurnFailed { turn: 1 }");
    assert_eq!(engine.asked(), ["a", "a", "b"]);
}

#[test]
fn an_answer_that_fails_after_it_was_heard_is_not_said_twice() {
    let mut engine = Engine::new();
    engine.commits("a");
    engine.created("r1");
    engine.says(&json!({"type": "response.output_audio.delta", "response_id": "r1", "delta": "AQID"}));
    assert_eq!(engine.fails("r1", "server_error"), "TurnFailed { turn: 1 }");
    assert_eq!(engine.asked(), ["a"]);
}

#[test]
fn a_refused_request_for_an_answer_counts_as_an_answer_that_failed() {
    let mut engine = Engine::new();
    engine.commits("a");
    let refusal = |event: &str| json!({"type": "error", "error": {"code": "conversation_already_has_active_response", "event_id": event}});
    assert_eq!(engine.says(&refusal("turn-7")), "nothing");
    assert_eq!(engine.says(&refusal("turn-x")), "nothing");
    assert_eq!(engine.says(&refusal("turn-1")), "nothing");
    assert_eq!(engine.asked(), ["a", "a"]);
    assert_eq!(engine.says(&refusal("turn-1")), "TurnFailed { turn: 1 }");
}

#[test]
fn an_item_is_deleted_after_its_answer_and_its_words_in_either_order() {
    for words_first in [true, false] {
        let mut engine = Engine::new();
        engine.commits("a");
        engine.created("r1");
        if words_first {
            engine.transcribes("a");
            assert!(engine.deleted().is_empty());
            engine.done("r1", "completed");
        } else {
            engine.done("r1", "completed");
            assert!(engine.deleted().is_empty());
            engine.transcribes("a");
        }
        assert_eq!(engine.deleted(), ["a"]);
        assert_eq!(engine.transcribes("a"), "nothing", "it is gone");
    }
}

#[test]
fn an_item_whose_words_do_not_come_is_deleted_after_a_minute() {
    let mut engine = Engine::new();
    engine.commits("a");
    engine.created("r1");
    engine.done("r1", "completed");
    engine.hears(Duration::from_secs(60));
    assert!(engine.deleted().is_empty());
    engine.hears(Duration::from_millis(20));
    assert_eq!(engine.deleted(), ["a"]);
    // An answer that is still owed keeps its item.
    engine.commits("b");
    engine.hears(Duration::from_secs(90));
    assert_eq!(engine.deleted(), ["a"]);
}

#[test]
fn words_that_could_not_be_written_down_are_empty() {
    let mut engine = Engine::new();
    engine.commits("a");
    let failed =
        json!({"type": "conversation.item.input_audio_transcription.failed", "item_id": "a", "error": {}});
    let told = engine.says(&failed);
    assert!(told.starts_with(r#"SourceText { turn: 1, text: """#), "{told}");
}

#[test]
fn without_transcription_an_item_is_deleted_after_its_answer() {
    let mut engine = Engine::with(&settings("m", None));
    for n in 0..100 {
        let (item, response) = (format!("i{n}"), format!("r{n}"));
        assert!(engine.commits(&item).starts_with("TurnStarted"), "turn {n}");
        engine.created(&response);
        engine.done(&response, "completed");
    }
    assert_eq!(engine.deleted().len(), 100);
}

#[test]
fn answered_turns_whose_words_are_late_do_not_count_as_unanswered() {
    let mut engine = Engine::new();
    for n in 0..100 {
        let (item, response) = (format!("i{n}"), format!("r{n}"));
        assert!(engine.commits(&item).starts_with("TurnStarted"), "turn {n}");
        engine.created(&response);
        engine.done(&response, "completed");
    }
    assert!(engine.adapter.items.len() <= TURNS_MAX);
}

#[test]
fn an_engine_that_falls_far_behind_is_replaced() {
    let mut engine = Engine::new();
    for n in 0..TURNS_MAX {
        assert!(engine.commits(&format!("i{n}")).starts_with("TurnStarted"));
    }
    assert!(engine.commits("one more").starts_with("Failed { cure: Again"));
}
