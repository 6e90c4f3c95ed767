//! The desk's pages: files of `web/desk`, and of `web/talk` for whoever talks through the browser.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

use crate::http::{files, talk};

#[derive(RustEmbed)]
#[folder = "web/desk"]
struct Files;

const INDEX: &str = "index.html";

/// The page, whatever its path: the script in it reads that.
pub async fn page(headers: HeaderMap) -> Response {
    of(INDEX, &headers).unwrap_or_else(missing)
}

/// A script, a style or a picture.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let file = match path.strip_prefix("talk/") {
        Some(path) => talk::asset(path, &headers),
        None => of(&path, &headers).filter(|_| path != INDEX),
    };
    file.unwrap_or_else(missing)
}

fn of(path: &str, headers: &HeaderMap) -> Option<Response> {
    Files::get(path).map(|file| files::answer(file, headers))
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is no such file\n").into_response()
}
