//! The transcript of a call, to be taken along.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::calls::stored;
use super::no_call;
use crate::desk::Desk;
use crate::desk::guard::{Params, SignedIn};
use crate::desk::refusal::Refusal;
use crate::records::export::{Reading, Transcript};

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(transcript))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Whose language; both by default.
    language: Option<Languages>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Languages {
    #[default]
    Both,
    Caller,
    Agent,
}

/// What was said: `transcript.txt`, `.json`, `.vtt` or `.csv`.
#[utoipa::path(get, path = "/api/calls/{id}/{file}", tag = "calls",
    params(("id" = String, Path), ("file" = String, Path, description = "transcript.txt, transcript.json, transcript.vtt or transcript.csv"), Wanted),
    responses((status = 200, description = "The transcript, as a file"), (status = 404, description = "No such call or format")))]
async fn transcript(
    State(desk): State<Arc<Desk>>,
    who: SignedIn,
    Path((id, file)): Path<(String, String)>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Refusal> {
    let kind = match file.as_str() {
        "transcript.txt" => "text/plain; charset=utf-8",
        "transcript.json" => "application/json",
        "transcript.vtt" => "text/vtt; charset=utf-8",
        "transcript.csv" => "text/csv; charset=utf-8",
        _ => return Err(no_call()),
    };
    let call = stored(&desk, &who.user, &id).await?;
    let utterances = desk.store.utterances(&id).await?;
    let transcript = Transcript {
        call: &call,
        utterances: &utterances,
        reading: match wanted.language.unwrap_or_default() {
            Languages::Both => Reading::Both,
            Languages::Caller => Reading::Caller,
            Languages::Agent => Reading::Agent,
        },
        redacted: desk.redacted(),
    };
    let extension = file.rsplit('.').next().unwrap_or_default();
    let name = format!("attachment; filename=\"call-{id}.{extension}\"");
    let text = match extension {
        "txt" => transcript.text(),
        "json" => transcript.json().map_err(|error| {
            tracing::error!(%error, "a transcript cannot be written");
            Refusal::away("The transcript cannot be written.")
        })?,
        "vtt" => transcript.vtt(),
        _ => transcript.csv(),
    };
    Ok((
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ],
        text,
    )
        .into_response())
}
