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
use super::{no_call, pieces};
use crate::desk::Desk;
use crate::desk::guard::{Params, SignedIn};
use crate::desk::refusal::Refusal;
use crate::records::export::{Format, Reading, Transcript};

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
    let format = file.strip_prefix("transcript.").and_then(Format::named);
    let format = format.ok_or_else(no_call)?;
    let call = stored(&desk, &who.user, &id).await?;
    let mut said = desk.store.said(&id);
    // A database that is away is told of before anything is sent.
    let first = said.next().await?;
    let reading = match wanted.language.unwrap_or_default() {
        Languages::Both => Reading::Both,
        Languages::Caller => Reading::Caller,
        Languages::Agent => Reading::Agent,
    };
    let redacted = desk.redacted();
    let body = pieces::body(|out| async move {
        let head = Transcript {
            call: &call,
            utterances: &[],
            reading,
            redacted,
        };
        out.put(head.head(format)?).await?;
        let (none, mut some) = (first.is_empty(), first);
        let mut is_first = true;
        while !some.is_empty() {
            let piece = Transcript {
                utterances: &some,
                ..head
            };
            out.put(piece.piece(format, is_first)?).await?;
            is_first = false;
            some = said.next().await?;
        }
        out.put(Transcript::tail(format, none).to_owned()).await?;
        Ok(out)
    });
    let extension = file.rsplit('.').next().unwrap_or_default();
    let name = format!("attachment; filename=\"call-{id}.{extension}\"");
    Ok((
        [
            (header::CONTENT_TYPE, format.content_type().to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ],
        body,
    )
        .into_response())
}
