//! Signatures against vectors that were computed with Twilio's official Python package.

use super::*;

fn keys() -> Keys {
    Keys {
        tokens: vec![SecretString::from("12345")],
        shared: vec![("k1".into(), SecretString::from("12345"))],
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn webhook(public: &str, path_and_query: &str, body: &str, signature: &str) -> bool {
    let request = Signed {
        path_and_query,
        form: body.as_bytes(),
        signature,
        settings: None,
    };
    keys().verify_webhook(&url(public), request)
}

fn stream(public: &str, signature: &str) -> bool {
    let request = Signed {
        path_and_query: "/intercept",
        form: &[],
        signature,
        settings: None,
    };
    keys().verify_stream(&url(public), request)
}

const DOCUMENTED: &str =
    "CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212";

#[test]
fn published_vectors_fit_and_any_change_does_not() {
    let signature = "L/OH5YylLD5NRKLltdqwSvS0BnU=";
    let path = "/myapp.php?foo=1&bar=2";
    assert!(webhook("https://example.com", path, DOCUMENTED, signature));
    assert!(webhook("https://example.com/", path, DOCUMENTED, signature));
    assert!(!webhook("https://example.org", path, DOCUMENTED, signature));
    assert!(!webhook(
        "https://example.com",
        "/myapp.php?foo=1&bar=3",
        DOCUMENTED,
        signature
    ));
    assert!(!webhook(
        "https://example.com",
        path,
        &format!("{DOCUMENTED}&x=1"),
        signature
    ));
    assert!(!webhook(
        "https://example.com",
        path,
        DOCUMENTED,
        "L/OH5YylLD5NRKLltdqwSvS0BnV="
    ));
    for nonsense in ["", "=", "not base64!", "AAAA"] {
        assert!(!webhook("https://example.com", path, DOCUMENTED, nonsense));
    }
    assert!(webhook(
        "https://proxy.example.com",
        "/twiml?CallSid=CA1&From=%2B15017122661",
        "",
        "iHz28xfCZOJlAkowZp7Y/60QJ8o="
    ));
}

#[test]
fn repeated_fields_count_once_each_in_order() {
    let body = "StatusCallbackEvent=b&A=1&StatusCallbackEvent=a&StatusCallbackEvent=b";
    assert!(webhook("https://h", "/x", body, "gQQ4wM5tOd3hT4LTW0B6KvUBCsE="));
}

#[test]
fn a_stream_is_signed_with_or_without_a_slash_and_a_port() {
    assert!(stream(
        "https://proxy.example.com",
        "ZNKMJlGenVvHQMPwWOxaNOAxQr8="
    ));
    for signed in [
        "wss://proxy.example.com/intercept/",
        "wss://proxy.example.com:443/intercept",
        "wss://proxy.example.com:8443/intercept",
        "wss://proxy.example.com:8443/intercept/",
    ] {
        let signature = STANDARD.encode(sign(
            Algorithm::Sha1,
            &SecretString::from("12345"),
            &[signed],
            &[],
        ));
        assert!(stream("https://proxy.example.com:8443", &signature), "{signed}");
    }
    let wrong = STANDARD.encode(sign(
        Algorithm::Sha1,
        &SecretString::from("12345"),
        &["https://proxy.example.com/intercept"],
        &[],
    ));
    assert!(!stream("https://proxy.example.com", &wrong));
}

#[test]
fn a_second_token_and_a_shared_key_are_accepted_and_an_unknown_key_is_not() {
    let mut two = keys();
    two.tokens.insert(0, SecretString::from("other"));
    let mut request = Signed {
        path_and_query: "/myapp.php?foo=1&bar=2",
        form: DOCUMENTED.as_bytes(),
        signature: "L/OH5YylLD5NRKLltdqwSvS0BnU=",
        settings: None,
    };
    let public = url("https://example.com");
    assert!(two.verify_webhook(&public, request));
    request.settings = Some("key=k1,algorithm=HMAC_SHA1");
    assert!(keys().verify_webhook(&public, request));
    for settings in [
        "key=k2,algorithm=HMAC_SHA1",
        "key=k1,algorithm=HMAC_SHA256",
        "key=k1",
        "algorithm=NONE,key=k1",
        "",
    ] {
        request.settings = Some(settings);
        assert!(!keys().verify_webhook(&public, request), "{settings}");
    }
    let request = Signed {
        path_and_query: "/a",
        form: b"A=1&B=2",
        signature: "lfErnhTvZNDntoGYOSqz9nscH7D+NHnf1BnJDGkK+eA=",
        settings: Some("key=k1,algorithm=HMAC_SHA256"),
    };
    assert!(keys().verify_webhook(&public, request));
}

#[test]
fn a_body_that_is_no_form_is_bound_by_its_hash() {
    let query = "bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9";
    let body = br#"{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}"#;
    assert!(body_hash_fits(query, body));
    assert!(!body_hash_fits(query, b"{}"));
    assert!(body_hash_fits("", b"{}"));
    assert!(webhook(
        "https://example.com",
        &format!("/myapp?{query}"),
        "",
        "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo="
    ));
}
