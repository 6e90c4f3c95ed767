use super::*;

const USUAL: &[(&str, &str)] = &[
    ("PUBLIC_URL", "https://talk.example.com"),
    ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
    ("TWILIO_AUTH_TOKEN", "token"),
    ("TWILIO_CALLER_NUMBER", "+15550100101"),
    ("TWILIO_FLEX_NUMBER", "+15550100102"),
    ("TWILIO_FLEX_WORKFLOW_SID", "WW00000000000000000000000000000001"),
    ("OPENAI_API_KEY", "unused"),
];

fn config(own: &[(&str, &str)]) -> Config {
    let setting = |name: &str| {
        let found = own.iter().chain(USUAL).find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Config::read(&setting).expect("settings")
}

fn recorded(language: &'static Language) -> &'static str {
    Phrase::Recorded.spoken_in(language).0
}

fn spanish() -> &'static Language {
    Language::find("spanish").expect("a language")
}

fn first(say: Option<Phrase>) -> Answer {
    Answer::Stream {
        say,
        language: spanish(),
        token: "t".to_owned(),
    }
}

#[test]
fn a_caller_is_told_once_that_the_call_is_recorded_right_after_being_connected() {
    let call = CallId::from_bytes([1; 16]);
    let (on, off) = (config(&[("RECORD_AUDIO", "true")]), config(&[]));
    let document = answer(&on, call, Side::Caller, &first(Some(Phrase::Connecting)));
    let connecting = document.find(Phrase::Connecting.spoken_in(spanish()).0);
    let told = document.find(recorded(spanish()));
    let stream = document.find("<Connect>");
    assert!(
        connecting.is_some() && connecting < told && told < stream,
        "{document}"
    );
    for (config, say) in [(&on, None), (&off, Some(Phrase::Connecting))] {
        let document = answer(config, call, Side::Caller, &first(say));
        assert!(!document.contains(recorded(spanish())), "{document}");
    }
}

#[test]
fn a_softphone_is_told_and_a_queue_is_not() {
    let call = CallId::from_bytes([1; 16]);
    let told = |own: &[(&str, &str)]| agent(&config(own), call, "t").contains(recorded(Language::english()));
    assert!(told(&[("RECORD_AUDIO", "true"), ("AGENT_DIAL", "client:ana")]));
    assert!(!told(&[("RECORD_AUDIO", "true")]));
    assert!(!told(&[("AGENT_DIAL", "client:ana")]));
}
