//! Figures for the daily review.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::desk::Desk;
use crate::desk::guard::{Params, SignedIn};
use crate::desk::refusal::Refusal;
use crate::desk::user::Role;
use crate::records::figures::{Figures, FiguresError, Range};

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(figures)).routes(routes!(csv))
}

/// Days of a time zone, both included.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Such as `2026-11-01`.
    from: String,
    to: String,
    /// Such as `Europe/Berlin`.
    zone: String,
}

/// Calls by day, hour, language, agent and number. For supervisors.
#[utoipa::path(get, path = "/api/figures", tag = "figures", params(Wanted),
    responses((status = 200, description = "The figures", body = Figures), (status = 422, description = "No such days or zone")))]
async fn figures(
    State(desk): State<Arc<Desk>>,
    who: SignedIn,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Figures>, Refusal> {
    reckon(&desk, &who, &wanted).await.map(Json)
}

/// The same as a table.
#[utoipa::path(get, path = "/api/figures.csv", tag = "figures", params(Wanted),
    responses((status = 200, description = "CSV", content_type = "text/csv"), (status = 422, description = "No such days or zone")))]
async fn csv(
    State(desk): State<Arc<Desk>>,
    who: SignedIn,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Refusal> {
    let figures = reckon(&desk, &who, &wanted).await?;
    let name = format!(
        "attachment; filename=\"figures-{}-{}.csv\"",
        figures.from, figures.to
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, figures.csv()).into_response())
}

async fn reckon(desk: &Desk, who: &SignedIn, wanted: &Wanted) -> Result<Figures, Refusal> {
    who.user.require(Role::Supervisor)?;
    let refused = |error: FiguresError| match error {
        FiguresError::Database(error) => Refusal::from(error),
        error => Refusal::wrong(error.to_string()),
    };
    let range = Range::new(&wanted.from, &wanted.to, &wanted.zone).map_err(refused)?;
    desk.store.figures(&range).await.map_err(refused)
}
