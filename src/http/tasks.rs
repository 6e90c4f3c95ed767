//! Events of the task queue.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::signed::{self, Standing};
use crate::carrier::twilio::taskrouter;
use crate::hub::Hub;

/// Any TaskRouter event. Foreign tasks, repetitions and events of ended calls are answered like all others.
pub async fn task_event(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    let lenient = !hub.config.twilio.taskrouter_signed;
    let (webhook, standing) = match signed::read(request, &hub, lenient).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    // An event that says nothing of use names its call all the same.
    let live = taskrouter::call(&webhook.form).is_some_and(|call| hub.is_live(call));
    match standing {
        Standing::Signed => {}
        Standing::Missing if lenient && live => {
            tracing::warn!("a task event without a signature is admitted, as TASKROUTER_SIGNATURE=log says");
        }
        Standing::Missing | Standing::Wrong => return signed::refuse(&hub, standing),
    }
    if let Some((call, event)) = taskrouter::read(&webhook.form) {
        hub.task_event(call, event);
    }
    StatusCode::NO_CONTENT.into_response()
}
