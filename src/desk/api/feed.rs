//! Live events, as server-sent events: all calls, or one with its captions.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Interval;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::no_call;
use crate::call::CallId;
use crate::desk::Desk;
use crate::desk::board::{BoardNews, News};
use crate::desk::guard::SignedIn;
use crate::desk::live::LiveCall;
use crate::desk::presence::Attendance;
use crate::desk::refusal::Refusal;

/// A connection without news says that it lives: proxies drop what is silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Whoever has signed out, or may sign in no more, sees nothing more after this.
const RECHECK: Duration = Duration::from_secs(20);

type Feed = Sse<
    axum::response::sse::KeepAliveStream<
        std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>,
    >,
>;

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(all)).routes(routes!(one))
}

/// All live calls that the user may see: `calls` first and after a gap, then `call` and `gone`.
#[utoipa::path(get, path = "/api/live", tag = "live",
    responses((status = 200, description = "Server-sent events", content_type = "text/event-stream"),
        (status = 401, description = "Not signed in")))]
async fn all(State(desk): State<Arc<Desk>>, viewer: SignedIn) -> Feed {
    let (calls, news) = desk.board.watch_all();
    let mut feed = BoardFeed {
        viewer: Viewer::new(desk, viewer),
        news,
        visible: HashSet::new(),
    };
    feed.picture(calls);
    sse(feed)
}

/// One call: `snapshot` first and after a gap, then `caption`, `utterance`, `call`, `event`, `typed` and `ended`.
#[utoipa::path(get, path = "/api/calls/{id}/live", tag = "live", params(("id" = String, Path)),
    responses((status = 200, description = "Server-sent events", content_type = "text/event-stream"),
        (status = 401, description = "Not signed in"), (status = 404, description = "No such live call")))]
async fn one(
    State(desk): State<Arc<Desk>>,
    viewer: SignedIn,
    Path(id): Path<String>,
) -> Result<Feed, Refusal> {
    let call: CallId = id.parse().map_err(|_| no_call())?;
    let (live, lines, news) = desk.board.watch(call).ok_or_else(no_call)?;
    if !desk.may_see_live(&viewer.user, &live) {
        return Err(no_call());
    }
    let mut feed = CallFeed {
        viewer: Viewer::new(desk, viewer),
        call,
        news,
        over: false,
    };
    feed.viewer
        .tell("snapshot", &json!({"call": live, "utterances": lines}));
    Ok(sse(feed))
}

/// Somebody who watches.
struct Viewer {
    desk: Arc<Desk>,
    who: SignedIn,
    pending: VecDeque<Event>,
    recheck: Interval,
    _here: Attendance,
}

impl Viewer {
    fn new(desk: Arc<Desk>, who: SignedIn) -> Self {
        let first = tokio::time::Instant::now() + RECHECK;
        Self {
            _here: desk.presence.arrive(who.user.worker().to_owned()),
            desk,
            who,
            pending: VecDeque::new(),
            recheck: tokio::time::interval_at(first, RECHECK),
        }
    }

    fn tell(&mut self, name: &str, data: &impl Serialize) {
        match Event::default().event(name).json_data(data) {
            Ok(event) => self.pending.push_back(event),
            Err(error) => tracing::error!(%error, "a live event cannot be written"),
        }
    }

    /// Whether the viewer is still signed in, with the rights that they have now.
    async fn is_welcome(&mut self) -> bool {
        match self.who.renewed(&self.desk).await {
            Ok(Some(user)) => {
                self.who.user = user;
                true
            }
            Ok(None) => false,
            // A database that is away does not blind those who look already.
            Err(_) => true,
        }
    }
}

/// Something that goes on until it is over.
trait Watching: Send + 'static {
    /// Waits for the next piece of news; `false` when there will be none.
    fn next(&mut self) -> impl Future<Output = bool> + Send;
    fn viewer(&mut self) -> &mut Viewer;
}

fn sse(feed: impl Watching) -> Feed {
    let events = futures_util::stream::unfold(feed, |mut feed| async move {
        loop {
            if let Some(event) = feed.viewer().pending.pop_front() {
                return Some((Ok(event), feed));
            }
            if !feed.next().await && feed.viewer().pending.is_empty() {
                return None;
            }
        }
    });
    let events: std::pin::Pin<Box<dyn Stream<Item = _> + Send>> = Box::pin(events);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct BoardFeed {
    viewer: Viewer,
    news: broadcast::Receiver<BoardNews>,
    /// What this viewer sees: a call that another agent takes over goes out of sight.
    visible: HashSet<String>,
}

impl BoardFeed {
    fn picture(&mut self, calls: Vec<LiveCall>) {
        let Viewer { desk, who, .. } = &self.viewer;
        let calls: Vec<LiveCall> = calls
            .into_iter()
            .filter(|call| desk.may_see_live(&who.user, call))
            .collect();
        self.visible = calls.iter().map(|call| call.id.clone()).collect();
        self.viewer.tell("calls", &json!({"calls": calls}));
    }

    fn gone(&mut self, id: &str) {
        if self.visible.remove(id) {
            self.viewer.tell("gone", &json!({"id": id}));
        }
    }
}

impl Watching for BoardFeed {
    async fn next(&mut self) -> bool {
        let closing = self.viewer.desk.closing.clone();
        tokio::select! {
            news = self.news.recv() => match news {
                Ok(BoardNews::Call(call)) => {
                    if self.viewer.desk.may_see_live(&self.viewer.who.user, &call) {
                        self.visible.insert(call.id.clone());
                        self.viewer.tell("call", &*call);
                    } else {
                        self.gone(&call.id);
                    }
                    true
                }
                Ok(BoardNews::Gone(id)) => {
                    self.gone(&id.to_string());
                    true
                }
                Err(RecvError::Lagged(_)) => {
                    let (calls, news) = self.viewer.desk.board.watch_all();
                    self.news = news;
                    self.picture(calls);
                    true
                }
                Err(RecvError::Closed) => false,
            },
            _ = self.viewer.recheck.tick() => self.viewer.is_welcome().await,
            () = closing.cancelled() => false,
        }
    }

    fn viewer(&mut self) -> &mut Viewer {
        &mut self.viewer
    }
}

struct CallFeed {
    viewer: Viewer,
    call: CallId,
    news: broadcast::Receiver<News>,
    over: bool,
}

impl CallFeed {
    /// Tells one piece of news; `false` if it is the last, or none of this viewer's business any more.
    fn take(&mut self, news: News) -> bool {
        let viewer = &mut self.viewer;
        match news {
            News::Call(call) if !viewer.desk.may_see_live(&viewer.who.user, &call) => return false,
            News::Call(call) => viewer.tell("call", &*call),
            News::Line(line) => viewer.tell(if line.is_final { "utterance" } else { "caption" }, &*line),
            News::Event(event) => viewer.tell("event", &*event),
            News::Typed(typed) => viewer.tell("typed", &*typed),
            News::Ended(reason) => {
                viewer.tell("ended", &json!({"reason": reason}));
                return false;
            }
        }
        true
    }

    /// After a gap: the whole picture again, if the call still runs.
    fn look_again(&mut self) -> bool {
        let Some((live, lines, news)) = self.viewer.desk.board.watch(self.call) else {
            self.viewer.tell("ended", &json!({"reason": "unknown"}));
            return false;
        };
        if !self.viewer.desk.may_see_live(&self.viewer.who.user, &live) {
            return false;
        }
        self.news = news;
        self.viewer
            .tell("snapshot", &json!({"call": live, "utterances": lines}));
        true
    }
}

impl Watching for CallFeed {
    async fn next(&mut self) -> bool {
        if self.over {
            return false;
        }
        let closing = self.viewer.desk.closing.clone();
        let goes_on = tokio::select! {
            news = self.news.recv() => match news {
                Ok(news) => self.take(news),
                Err(RecvError::Lagged(_)) => self.look_again(),
                Err(RecvError::Closed) => false,
            },
            _ = self.viewer.recheck.tick() => self.viewer.is_welcome().await,
            () = closing.cancelled() => false,
        };
        self.over = !goes_on;
        goes_on
    }

    fn viewer(&mut self) -> &mut Viewer {
        &mut self.viewer
    }
}
