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
use crate::desk::user::User;
use crate::desk::watch::{Kind, Rights, Watching};
use crate::hub::Limit;

/// A connection without news says that it lives: proxies drop what is silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Feed = Sse<
    axum::response::sse::KeepAliveStream<
        std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>,
    >,
>;

pub fn routes() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new().routes(routes!(all)).routes(routes!(one))
}

/// All live calls that the user may see: `calls` first, after a gap and with other rights, then `call` and `gone`. It ends
/// with the session; `closed` says that the user has opened too many.
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
    };
    feed.viewer
        .tell("snapshot", &json!({"call": live, "utterances": lines}));
    Ok(sse(feed))
}

/// Somebody who watches.
struct Viewer {
    desk: Arc<Desk>,
    /// With the rights that they have now.
    user: User,
    place: Watching,
    pending: VecDeque<Event>,
    /// There will be no more.
    over: bool,
    /// As long as it is there its worker is, too.
    _here: Option<Attendance>,
}

impl Viewer {
    fn new(desk: Arc<Desk>, who: SignedIn) -> Self {
        let place = desk.accounts.watchers().enter(&who, Kind::Feed);
        Self {
            _here: who.user.worker().map(|worker| desk.presence.arrive(worker)),
            desk,
            user: who.user,
            place,
            pending: VecDeque::new(),
            over: false,
        }
    }

    fn tell(&mut self, name: &str, data: &impl Serialize) {
        match Event::default().event(name).json_data(data) {
            Ok(event) => self.pending.push_back(event),
            Err(error) => tracing::error!(%error, "a live event cannot be written"),
        }
    }

    /// Takes other rights; `false` if there are none left.
    fn has(&mut self, rights: Rights) -> bool {
        match rights {
            Rights::Of(user) => {
                self.user = user;
                true
            }
            Rights::SignedOut => false,
            Rights::TooMany => {
                self.desk.hub.metrics.limits.hit(Limit::Feeds);
                self.tell("closed", &json!({"reason": "too_many"}));
                false
            }
        }
    }
}

/// Something that goes on until it is over.
trait Following: Send + 'static {
    /// Waits for the next piece of news; `false` when there will be none.
    fn next(&mut self) -> impl Future<Output = bool> + Send;
    fn viewer(&mut self) -> &mut Viewer;
}

fn sse(feed: impl Following) -> Feed {
    let events = futures_util::stream::unfold(feed, |mut feed| async move {
        loop {
            if let Some(event) = feed.viewer().pending.pop_front() {
                return Some((Ok(event), feed));
            }
            if feed.viewer().over {
                return None;
            }
            // What was told last is still sent.
            feed.viewer().over = !feed.next().await;
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
        let Viewer { desk, user, .. } = &self.viewer;
        let calls: Vec<LiveCall> = calls
            .into_iter()
            .filter(|call| desk.may_see_live(user, call))
            .collect();
        self.visible = calls.iter().map(|call| call.id.clone()).collect();
        self.viewer.tell("calls", &json!({"calls": calls}));
    }

    /// After a gap, and with other rights: the whole picture again.
    fn look_again(&mut self) {
        let (calls, news) = self.viewer.desk.board.watch_all();
        self.news = news;
        self.picture(calls);
    }

    fn gone(&mut self, id: &str) {
        if self.visible.remove(id) {
            self.viewer.tell("gone", &json!({"id": id}));
        }
    }
}

impl Following for BoardFeed {
    async fn next(&mut self) -> bool {
        let closing = self.viewer.desk.closing.clone();
        tokio::select! {
            news = self.news.recv() => match news {
                Ok(BoardNews::Call(call)) => {
                    if self.viewer.desk.may_see_live(&self.viewer.user, &call) {
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
                    self.look_again();
                    true
                }
                Err(RecvError::Closed) => false,
            },
            rights = self.viewer.place.changed() => {
                let goes_on = self.viewer.has(rights);
                if goes_on {
                    self.look_again();
                }
                goes_on
            }
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
}

impl CallFeed {
    /// Tells one piece of news; `false` if it is the last, or none of this viewer's business any more.
    fn take(&mut self, news: News) -> bool {
        let viewer = &mut self.viewer;
        match news {
            News::Call(call) if !viewer.desk.may_see_live(&viewer.user, &call) => return false,
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

    /// After a gap, and with other rights: the whole picture again, if the call still runs and they may see it.
    fn look_again(&mut self) -> bool {
        let Some((live, lines, news)) = self.viewer.desk.board.watch(self.call) else {
            self.viewer.tell("ended", &json!({"reason": "unknown"}));
            return false;
        };
        if !self.viewer.desk.may_see_live(&self.viewer.user, &live) {
            return false;
        }
        self.news = news;
        self.viewer
            .tell("snapshot", &json!({"call": live, "utterances": lines}));
        true
    }
}

impl Following for CallFeed {
    async fn next(&mut self) -> bool {
        let closing = self.viewer.desk.closing.clone();
        tokio::select! {
            news = self.news.recv() => match news {
                Ok(news) => self.take(news),
                Err(RecvError::Lagged(_)) => self.look_again(),
                Err(RecvError::Closed) => false,
            },
            rights = self.viewer.place.changed() => self.viewer.has(rights) && self.look_again(),
            () = closing.cancelled() => false,
        }
    }

    fn viewer(&mut self) -> &mut Viewer {
        &mut self.viewer
    }
}
