use proptest::prelude::*;

use super::*;

const LONG: Duration = Duration::from_secs(3_600);

fn shown(leg: &mut Leg, text: &str) -> Option<String> {
    leg.text(text, LONG).ok().map(|event| format!("{event:?}"))
}

#[test]
fn every_message_of_a_page_is_understood() {
    let mut leg = Leg::default();
    for (text, expected) in [
        (
            r#"{"event":"mark","name":"1.7"}"#,
            "Some(Mark(MarkId { generation: 1, number: 7 }))",
        ),
        (r#"{"event":"mark","name":"theirs"}"#, "None"),
        (r#"{"event":"dtmf","digit":"5"}"#, "Some(Dtmf('5'))"),
        (r#"{"event":"dtmf","digit":"\u0000"}"#, "None"),
        (r#"{"event":"gap","ms":1500}"#, "None"),
        (r#"{"event":"stop"}"#, "Some(Stop)"),
        (r#"{"event":"brand_new","anything":[1,{}]}"#, "None"),
    ] {
        assert_eq!(shown(&mut leg, text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn nonsense_is_an_error_and_never_more() {
    let mut leg = Leg::default();
    let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
    for text in [
        "",
        "null",
        "{}",
        &deep,
        r#"{"event":"mark"}"#,
        r#"{"event":"dtmf"}"#,
        r#"{"event":"gap"}"#,
        r#"{"event":"gap","ms":-1}"#,
        r#"{"event":"gap","ms":18446744073709551615}"#,
    ] {
        assert_eq!(shown(&mut leg, text), None, "{}", &text[..text.len().min(60)]);
    }
}

#[test]
fn a_streams_clock_is_its_sound_and_its_gaps() {
    let mut leg = Leg::default();
    let at = |leg: &mut Leg| match leg.audio(&[0xFF; 160], LONG) {
        Ok(LegEvent::Audio { timestamp_ms, mulaw }) => (timestamp_ms, mulaw.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(&mut leg), (0, 160));
    assert_eq!(at(&mut leg), (20, 160));
    assert!(matches!(leg.text(r#"{"event":"gap","ms":1000}"#, LONG), Ok(None)));
    assert_eq!(at(&mut leg), (1_040, 160));
}

#[test]
fn a_frame_has_its_size_and_its_time() {
    let mut leg = Leg::default();
    assert!(matches!(leg.audio(&[], LONG), Err(Malformed::Size(0))));
    assert!(matches!(
        leg.audio(&[0; 4_001], LONG),
        Err(Malformed::Size(4_001))
    ));
    assert!(leg.audio(&[0; FRAME_MAX], LONG).is_ok());
    // Five seconds may come at once, no more.
    let mut leg = Leg::default();
    let taken = (0..100).filter(|_| leg.audio(&[0; FRAME_MAX], Duration::ZERO).is_ok());
    assert_eq!(taken.count(), 10);
    assert!(matches!(
        leg.text(r#"{"event":"gap","ms":1000}"#, Duration::ZERO),
        Err(Malformed::Early)
    ));
    assert!(leg.audio(&[0; 160], Duration::from_millis(20)).is_ok());
}

#[test]
fn a_page_is_named_by_us_alone() {
    let name = sid([0xA7; 16]);
    assert!(is_sid(&name), "{name}");
    for other in [
        "",
        "browser-",
        "CA00000000000000000000000000000001",
        &name[..39],
        &name.to_uppercase(),
    ] {
        assert!(!is_sid(other), "{other}");
    }
    let read = |text: &str| Introduction::read(text).map(|one| (one.token, one.call_sid));
    assert_eq!(read(r#"{"token":"t"}"#), Some(("t".to_owned(), None)));
    let with_name = format!(r#"{{"token":"t","call_sid":"{name}"}}"#);
    assert_eq!(read(&with_name), Some(("t".to_owned(), Some(name))));
    assert_eq!(read(r#"{"token":"t","call_sid":"CA1"}"#), None);
    assert_eq!(read(r#"{"call_sid":"CA1"}"#), None);
}

#[test]
fn what_we_write_is_json_of_the_documented_shape() {
    let call = CallId::from_bytes([7; 16]);
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let id = MarkId {
        generation: 2,
        number: 3,
    };
    assert_eq!(parse(&mark(id)), serde_json::json!({"event":"mark","name":"2.3"}));
    assert_eq!(parse(&clear()), serde_json::json!({"event":"clear"}));
    assert_eq!(parse(&bye()), serde_json::json!({"event":"bye"}));
    assert_eq!(
        parse(&hello(call, Side::Agent, "b\"1")),
        serde_json::json!({"event":"hello","call":call.to_string(),"side":"agent","call_sid":"b\"1"})
    );
}

proptest! {
    #[test]
    fn whatever_a_page_sends_nothing_breaks(
        texts in prop::collection::vec(".{0,200}", 0..20),
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5_000), 0..20),
        ages in prop::collection::vec(any::<u64>(), 1..20),
    ) {
        let mut leg = Leg::default();
        let mut ages = ages.iter().cycle().map(|ms| Duration::from_millis(*ms));
        for (text, frame) in texts.iter().zip(&frames) {
            let _ = leg.text(text, ages.next().unwrap_or_default());
            let before = leg.position;
            let taken = leg.audio(frame, ages.next().unwrap_or_default()).is_ok();
            prop_assert_eq!(leg.position - before, if taken { frame.len() as u64 } else { 0 });
        }
    }

    #[test]
    fn events_of_any_content_are_read_or_refused(event in "mark|dtmf|gap|stop|x", value in any::<String>(), ms in any::<i64>()) {
        let mut leg = Leg::default();
        let text = serde_json::json!({"event": event, "name": value, "digit": value, "ms": ms}).to_string();
        let _ = leg.text(&text, LONG);
    }
}
