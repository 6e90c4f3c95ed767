//! The tracks of a recording, as files that can be played from anywhere in them.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::calls::stored;
use super::no_call;
use crate::desk::Desk;
use crate::desk::guard::SignedIn;
use crate::desk::refusal::Refusal;
use crate::recording::file::TrackReader;

/// The tracks of a recording, in their order.
pub const TRACKS: [&str; 4] = ["caller", "agent", "caller_translated", "agent_translated"];

/// Read from the disk at a time.
const PIECE: u64 = 256 * 1024;

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(track))
}

/// One track of a recording: `caller.wav`, `agent.wav`, `caller_translated.wav` (as the agent heard it) or
/// `agent_translated.wav`. Ranges of bytes are served.
#[utoipa::path(get, path = "/api/calls/{id}/audio/{file}", tag = "calls",
    params(("id" = String, Path), ("file" = String, Path)),
    responses((status = 200, description = "WAV, 8 kHz, mono, 16 bits", content_type = "audio/wav"),
        (status = 206, description = "A part of it"), (status = 404, description = "No such recording"),
        (status = 416, description = "There is no such part")))]
async fn track(
    State(desk): State<Arc<Desk>>,
    who: SignedIn,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let nothing = || Refusal::not_found("There is no such recording.");
    let name = file.strip_suffix(".wav").ok_or_else(nothing)?;
    let number = TRACKS
        .iter()
        .position(|known| *known == name)
        .ok_or_else(nothing)?;
    stored(&desk, &who.user, &id).await?;
    let recordings = desk.recordings.clone().ok_or_else(nothing)?;
    let call = id.parse().map_err(|_| no_call())?;
    let opened = tokio::task::spawn_blocking(move || recordings.open(call)).await;
    let recorded = opened.ok().flatten().ok_or_else(nothing)?;
    let track = Arc::new(recorded.track(number).ok_or_else(nothing)?);
    let length = track.length();
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let kind = (header::CONTENT_TYPE, "audio/wav".to_owned());
    let ranges = (header::ACCEPT_RANGES, "bytes".to_owned());
    let name = (
        header::CONTENT_DISPOSITION,
        format!("inline; filename=\"call-{id}-{file}\""),
    );
    let (status, range) = match asked.map(|asked| part(asked, length)) {
        None | Some(Part::All) => (StatusCode::OK, 0..length),
        Some(Part::Of(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(Part::None) => {
            let all = (header::CONTENT_RANGE, format!("bytes */{length}"));
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, [all]).into_response());
        }
    };
    let mut response = (status, [kind, ranges, name], body(track, range.clone())).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let told = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        if let Ok(told) = told.parse() {
            headers.insert(header::CONTENT_RANGE, told);
        }
    }
    Ok(response)
}

/// What a `Range` header asks for (RFC 9110, 14.1.2).
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// It cannot be understood, or names several parts: it may be ignored then.
    All,
    Of(Range<u64>),
    /// Nothing that is there.
    None,
}

fn part(asked: &str, length: u64) -> Part {
    let Some((from, to)) = asked
        .trim()
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Part::All;
    };
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match (from.is_empty(), to.is_empty()) {
        (true, false) => number(to).map(|last| length.saturating_sub(last)..length),
        (false, true) => number(from).map(|from| from..length),
        (false, false) => {
            let both = number(from).zip(number(to)).filter(|(from, to)| from <= to);
            both.map(|(from, to)| from..to.saturating_add(1).min(length))
        }
        (true, true) => None,
    };
    match range {
        None => Part::All,
        Some(range) if range.start >= range.end => Part::None,
        Some(range) => Part::Of(range),
    }
}

/// Reads as it is sent: an hour of a call need not lie in memory.
fn body(track: Arc<TrackReader>, range: Range<u64>) -> Body {
    let pieces = futures_util::stream::try_unfold(range.start, move |at| {
        let track = Arc::clone(&track);
        async move {
            if at >= range.end {
                return Ok::<_, io::Error>(None);
            }
            let length = usize::try_from(PIECE.min(range.end - at)).unwrap_or_default();
            let read = tokio::task::spawn_blocking(move || track.read_range(at, length));
            let piece = read.await.map_err(io::Error::other)??;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let next = at + piece.len() as u64;
            Ok(Some((Bytes::from(piece), next)))
        }
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_as_browsers_ask_for_them() {
        for (asked, part_of_100) in [
            ("bytes=0-", Part::Of(0..100)),
            ("bytes=10-19", Part::Of(10..20)),
            ("bytes=90-1000", Part::Of(90..100)),
            ("bytes=-30", Part::Of(70..100)),
            ("bytes=-300", Part::Of(0..100)),
            ("bytes=100-", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=20-10", Part::All),
            ("bytes=1-2,5-6", Part::All),
            ("lines=1-2", Part::All),
            ("bytes=-", Part::All),
        ] {
            assert_eq!(part(asked, 100), part_of_100, "{asked}");
        }
        assert_eq!(part("bytes=0-", 0), Part::None);
        let far = format!("bytes=0-{}", u64::MAX);
        assert_eq!(part(&far, 100), Part::Of(0..100));
    }
}
