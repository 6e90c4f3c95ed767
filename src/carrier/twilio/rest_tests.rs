//! Twilio's answers as this client reads them. `TWILIO_OPENAPI` may name Twilio's published OpenAPI document
//! (`twilio_api_v2010.json`); its examples are then read too.

use super::*;

const CREATED: &str = r#"{"sid":"CA0000000000000000000000000000000a","account_sid":"AC1","status":"queued",
 "direction":"outbound-api","from":"+15550100001","to":"+15550100002","date_created":"Fri, 20 Nov 2026 10:00:00 +0000",
 "start_time":null,"end_time":null,"duration":null,"price":null,"price_unit":"USD","parent_call_sid":null,
 "queue_time":"0","api_version":"2010-04-01","subresource_uris":{}}"#;

#[test]
fn a_call_is_read_whatever_else_its_body_says() {
    let call: CallBody = serde_json::from_str(CREATED).expect("a call");
    assert_eq!(call.sid.as_deref(), Some("CA0000000000000000000000000000000a"));
    assert_eq!(call.status.as_deref(), Some("queued"));
    let page: CallPage =
        serde_json::from_str(&format!("{{\"calls\":[{CREATED}],\"page\":0}}")).expect("a page");
    assert_eq!(page.calls.len(), 1);
}

#[test]
fn errors_are_read_in_both_of_their_dresses() {
    for body in [
        r#"{"code":21211,"message":"invalid","more_info":"https://www.twilio.com/docs/errors/21211","status":400}"#,
        r#"{"type":"t","title":"Bad","status":400,"code":21211,"detail":"invalid","errors":[{"detail":"d"}]}"#,
    ] {
        let error: ErrorBody = serde_json::from_str(body).expect("an error");
        assert_eq!(error.code, Some(21211));
        assert_eq!(error.message.or(error.detail).as_deref(), Some("invalid"));
    }
}

#[test]
fn refusals_are_final_and_what_is_unclear_is_not() {
    let refused = RestError::Refused {
        status: 400,
        code: Some(21211),
        message: String::new(),
    };
    assert_eq!(DialError::from(&refused), DialError::Refused);
    assert_eq!(
        DialError::from(&RestError::Unclear("timeout".into())),
        DialError::Unclear
    );
    let limited = RestError::RateLimited {
        retry_after: Some(Duration::from_secs(2)),
    };
    assert_eq!(
        DialError::from(&limited),
        DialError::Busy {
            retry_after: Some(Duration::from_secs(2))
        }
    );
}

#[test]
fn published_examples_are_read() {
    let Some(path) = std::env::var_os("TWILIO_OPENAPI") else {
        eprintln!("skipped: TWILIO_OPENAPI names no document");
        return;
    };
    let text = std::fs::read_to_string(path).expect("the document");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let account = "/2010-04-01/Accounts/{AccountSid}";
    let mut read = 0;
    for path in [
        format!("{account}/Calls.json"),
        format!("{account}/Calls/{{Sid}}.json"),
    ] {
        for method in ["get", "post"] {
            let responses = document["paths"][&path][method]["responses"]
                .as_object()
                .expect("responses");
            for example in responses
                .values()
                .filter_map(|one| one["content"]["application/json"]["examples"].as_object())
            {
                for (name, example) in example {
                    let body = example["value"].to_string();
                    if example["value"].get("calls").is_some() {
                        let page: CallPage = serde_json::from_str(&body).expect(name);
                        assert!(
                            page.calls
                                .iter()
                                .all(|call| call.sid.is_some() && call.status.is_some()),
                            "{name}"
                        );
                    } else {
                        let call: CallBody = serde_json::from_str(&body).expect(name);
                        let status = call.status.expect(name);
                        assert!(
                            call.sid.is_some() && webhook::call_status(&status).is_some(),
                            "{name}: {status}"
                        );
                    }
                    read += 1;
                }
            }
        }
    }
    assert!(read >= 8, "only {read} examples");
}
