//! The files of `web/talk`: a leg in a browser, and the page of the demo.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/talk"]
struct Files;

/// What a page may do: nothing but what comes from here, and no text becomes script.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     media-src 'self' blob:; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'";

/// A file of `web/talk`, or 304 if the browser has it; `None` if there is none of that name.
pub fn asset(path: &str, asked: &HeaderMap) -> Option<Response> {
    let file = Files::get(path)?;
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        tag.push_str(&format!("{byte:02x}"));
    }
    tag.push('"');
    let known = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data).into_response()
    };
    let headers = response.headers_mut();
    let kind = file.metadata.mimetype();
    let kind = if kind.starts_with("text/") {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    };
    for (name, value) in [(header::CONTENT_TYPE, kind), (header::ETAG, tag)] {
        headers.insert(name, HeaderValue::from_str(&value).ok()?);
    }
    // Asked again each time: a page and its script must be of one version.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    guard(headers);
    Some(response)
}

/// The headers that every page and file is served with.
pub fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_served_with_its_kind_and_is_not_sent_twice() {
        let mut asked = HeaderMap::new();
        let response = asset("leg.js", &asked).expect("a file");
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["content-type"],
            "text/javascript; charset=utf-8"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let tag = response.headers()["etag"].clone();
        asked.insert(header::IF_NONE_MATCH, tag);
        let again = asset("leg.js", &asked).expect("a file");
        assert_eq!(again.status(), 304);
        for strange in ["", "../leg.js", "/etc/passwd", "nothing.js"] {
            assert!(asset(strange, &HeaderMap::new()).is_none(), "{strange}");
        }
    }

    #[test]
    fn no_page_has_script_or_style_of_its_own() {
        for name in Files::iter().filter(|name| name.ends_with(".html")) {
            let page = Files::get(&name).expect("a file");
            let text = String::from_utf8(page.data.into_owned()).expect("text");
            assert!(!text.contains("<script>") && !text.contains("<style"), "{name}");
            assert!(!text.contains(" style=") && !text.contains(" onclick="), "{name}");
        }
        for name in Files::iter().filter(|name| name.ends_with(".js")) {
            let script = Files::get(&name).expect("a file");
            let text = String::from_utf8(script.data.into_owned()).expect("text");
            for word in ["innerHTML", "eval(", "document.write", "createScriptProcessor"] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }
}
