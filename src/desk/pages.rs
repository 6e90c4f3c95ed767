//! The desk's pages: files of `web/`, in the binary, with strict headers.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What the pages may do: run our scripts and styles, talk to us, play and record sound. Nothing else, and no text ever
/// becomes markup or script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     media-src 'self' blob:; connect-src 'self'; font-src 'self'; worker-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types duologue";

const PERMISSIONS: &str = "microphone=(self), camera=(), geolocation=(), payment=(), usb=()";

#[derive(RustEmbed)]
#[folder = "web/desk"]
struct DeskFiles;

#[derive(RustEmbed)]
#[folder = "web/talk"]
struct TalkFiles;

/// The page, whatever its path: the script in it reads that.
pub async fn page(headers: HeaderMap) -> Response {
    file(DeskFiles::get("index.html"), &headers)
}

/// A script, a style or a picture.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match path.strip_prefix("talk/") {
        Some(path) => file(TalkFiles::get(path), &headers),
        None => file(DeskFiles::get(&path).filter(|_| path != "index.html"), &headers),
    }
}

fn file(file: Option<EmbeddedFile>, headers: &HeaderMap) -> Response {
    let Some(file) = file else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()));
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.data.into_owned()).into_response()
    };
    let kind = file.metadata.mimetype();
    let text = kind.starts_with("text/") || kind.ends_with("javascript") || kind.ends_with("json");
    let kind = format!("{kind}{}", if text { "; charset=utf-8" } else { "" });
    secure(response.headers_mut());
    for (name, value) in [(header::CONTENT_TYPE, kind), (header::ETAG, tag)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    // Asked for again each time, and sent again only if it has changed: a new version needs no second reload.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The headers of every page.
pub fn secure(headers: &mut HeaderMap) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("permissions-policy", PERMISSIONS),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
