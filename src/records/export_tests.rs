use super::*;

fn call() -> CallRecord {
    CallRecord {
        call: "c1".to_owned(),
        caller_number: "+34600000000".to_owned(),
        service_number: "+4930123456".to_owned(),
        caller_language: "es-ES".to_owned(),
        agent_language: "en-US".to_owned(),
        agent: Some("ana".to_owned()),
        started: 1_795_252_200_000,
        reason: Some("caller_hung_up".to_owned()),
        ..CallRecord::default()
    }
}

fn said(speaker: Speaker, after: i64, source: &str, target: &str) -> UtteranceRecord {
    UtteranceRecord {
        call: "c1".to_owned(),
        speaker,
        number: 1,
        source: source.to_owned(),
        target: target.to_owned(),
        spoken: call().started + after,
        spoken_end: Some(call().started + after + 1_500),
        ..UtteranceRecord::default()
    }
}

fn utterances() -> Vec<UtteranceRecord> {
    let mut typed = said(
        Speaker::Agent,
        3_605_000,
        "=A1 <script>x</script> & -->",
        "\"Hola\",\n\n00:00 --> x",
    );
    typed.typed = true;
    vec![
        said(
            Speaker::Caller,
            2_042,
            "Mi número es 600 123 456.",
            "My number is 600 123 456.",
        ),
        said(Speaker::Agent, 5_000, "Okay", ""),
        typed,
    ]
}

fn transcript<'a>(call: &'a CallRecord, all: &'a [UtteranceRecord], reading: Reading) -> Transcript<'a> {
    Transcript {
        call,
        utterances: all,
        reading,
        redacted: Kinds::default(),
    }
}

/// As it is sent, in pieces of one utterance.
fn whole(transcript: Transcript<'_>, format: Format) -> String {
    let mut out = transcript.head(format).expect("a head");
    for (at, one) in transcript.utterances.chunks(1).enumerate() {
        let piece = Transcript {
            utterances: one,
            ..transcript
        };
        out.push_str(&piece.piece(format, at == 0).expect("a piece"));
    }
    out.push_str(Transcript::tail(format, transcript.utterances.is_empty()));
    out
}

#[test]
fn json_in_pieces_is_the_json_of_the_whole() {
    let (call, all) = (call(), utterances());
    for count in [0, 1, 3] {
        let json = whole(transcript(&call, &all[..count], Reading::Both), Format::Json);
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read["utterances"].as_array().map(Vec::len), Some(count));
        // serde sorts keys when it reads into a value, so the layout is compared line by line.
        let tidy = serde_json::to_string_pretty(&read).expect("JSON");
        let (mut one, mut other): (Vec<&str>, Vec<&str>) = (json.lines().collect(), tidy.lines().collect());
        one.sort_unstable_by_key(|line| line.trim_end_matches(','));
        other.sort_unstable_by_key(|line| line.trim_end_matches(','));
        assert_eq!(one.len(), other.len(), "{json}");
    }
}

#[test]
fn text_shows_who_said_what_when_and_marks_what_was_typed() {
    let (call, all) = (call(), utterances());
    let text = whole(transcript(&call, &all, Reading::Both), Format::Text);
    let (head, body) = text.split_once("\n\n").expect("a head");
    assert!(head.contains("Caller:  +34600000000 (es-ES)\nDialled: +4930123456\nAgent:   ana (en-US)"));
    assert_eq!(
        body,
        "[00:00:02] Caller: Mi número es [phone].\n           My number is [phone].\n\n\
         [00:00:05] Agent: Okay\n\n\
         [01:00:05] Agent (typed): =A1 <script>x</script> & -->\n           \"Hola\", 00:00 --> x\n"
    );
}

#[test]
fn one_language_is_what_its_speaker_said_and_heard() {
    let (call, all) = (call(), utterances());
    let texts = |reading| -> Vec<String> {
        transcript(&call, &all, reading)
            .lines()
            .map(|line| line.text)
            .collect()
    };
    assert_eq!(
        texts(Reading::Caller),
        ["Mi número es [phone].", "Okay", "\"Hola\", 00:00 --> x"]
    );
    assert_eq!(
        texts(Reading::Agent),
        ["My number is [phone].", "Okay", "=A1 <script>x</script> & -->"]
    );
}

#[test]
fn subtitles_hold_no_tag_and_no_arrow_of_what_was_said() {
    let (call, all) = (call(), utterances());
    let vtt = whole(transcript(&call, &all, Reading::Both), Format::Vtt);
    assert_eq!(
        vtt,
        "WEBVTT\n\n\
         00:00:02.042 --> 00:00:03.542\n<v Caller>Mi número es [phone].\n<i>My number is [phone].</i>\n\n\
         00:00:05.000 --> 00:00:06.500\n<v Agent>Okay\n\n\
         01:00:05.000 --> 01:00:06.500\n<v.typed Agent>(typed) =A1 &lt;script&gt;x&lt;/script&gt; &amp; --&gt;\n\
         <i>\"Hola\", 00:00 --&gt; x</i>\n"
    );
}

#[test]
fn a_subtitle_ends_after_it_has_begun() {
    let call = call();
    let mut all = utterances();
    all[0].spoken_end = Some(all[0].spoken - 5);
    all[1].spoken_end = None;
    all[1].spoken = call.started - 7;
    let vtt = whole(transcript(&call, &all[..2], Reading::Caller), Format::Vtt);
    assert!(vtt.contains("00:00:02.042 --> 00:00:02.043\n"), "{vtt}");
    assert!(vtt.contains("00:00:00.000 --> 00:00:02.000\n"), "{vtt}");
}

#[test]
fn a_table_runs_no_formula() {
    let (call, all) = (call(), utterances());
    let csv = whole(transcript(&call, &all, Reading::Both), Format::Csv);
    let mut lines = csv.split("\r\n");
    assert_eq!(
        lines.next(),
        Some("time,offset_ms,speaker,typed,cut,source,target")
    );
    assert!(lines.next().is_some_and(|line| {
        line.ends_with(",2042,caller,false,false,Mi número es [phone].,My number is [phone].")
    }));
    let last = lines.nth(1).expect("a third");
    assert!(
        last.ends_with(",agent,true,false,'=A1 <script>x</script> & -->,\"\"\"Hola\"\",\n\n00:00 --> x\""),
        "{last}"
    );
    let one = whole(transcript(&call, &all, Reading::Agent), Format::Csv);
    assert!(one.starts_with("time,offset_ms,speaker,typed,cut,text\r\n"));
}

#[test]
fn programs_read_the_same() {
    let (call, all) = (call(), utterances());
    let read = |reading| -> serde_json::Value {
        let json = whole(transcript(&call, &all, reading), Format::Json);
        serde_json::from_str(&json).expect("JSON")
    };
    let both = read(Reading::Both);
    assert_eq!(both["call"]["service_number"], "+4930123456");
    assert_eq!(both["utterances"][0]["source"], "Mi número es [phone].");
    assert_eq!(both["utterances"][2]["source"], "=A1 <script>x</script> & -->");
    assert_eq!(both["utterances"][2]["typed"], true);
    let one = read(Reading::Agent);
    assert_eq!(one["utterances"][0]["text"], "My number is [phone].");
    assert!(one["utterances"][0].get("source").is_none());
}

#[test]
fn a_reading_has_a_name() {
    for reading in [Reading::Both, Reading::Caller, Reading::Agent] {
        assert_eq!(Reading::named(reading.name()), Some(reading));
    }
    assert_eq!(Reading::named("spanish"), None);
}
