//! The board: all live calls as they are watched at the desk, and who is told when one changes.
//!
//! One task listens to what calls tell. Whoever watches gets a picture first and changes after it; a viewer who is too
//! slow misses some and gets another picture. Nothing here can hold up a call.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::live::{Change, Line, Live, LiveCall};
use crate::call::CallId;
use crate::hub::{Hub, Told};
use crate::records::scribe::told;

/// Changes that may wait for a slow viewer of one call, and of all calls.
const CALL_CHANGES: usize = 512;
const BOARD_CHANGES: usize = 1_024;

/// Viewers of all calls are told at most this often of each: people's voices come and go several times a second.
const BOARD_PACE: Duration = Duration::from_millis(250);

/// Something for the viewers of one call.
#[derive(Clone, Debug)]
pub enum News {
    Call(Arc<LiveCall>),
    Line(Arc<Line>),
    Event(Arc<Happening>),
    Typed(Arc<TypedNews>),
    Ended(&'static str),
}

/// Something that happened in a call.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Happening {
    pub at: i64,
    pub kind: String,
    pub speaker: Option<String>,
    pub detail: Option<String>,
}

/// What became of a typed message.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TypedNews {
    pub number: u32,
    pub text: String,
    /// Why it cannot be spoken.
    pub failed: Option<&'static str>,
}

/// Something for those who watch all calls.
#[derive(Clone, Debug)]
pub enum BoardNews {
    Call(Arc<LiveCall>),
    Gone(CallId),
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Board {
    state: Mutex<State>,
    news: broadcast::Sender<BoardNews>,
}

#[derive(Debug, Default)]
struct State {
    calls: HashMap<CallId, Watched>,
    changed: HashSet<CallId>,
}

#[derive(Debug)]
struct Watched {
    live: Live,
    /// `None` while nobody watches.
    viewers: Option<broadcast::Sender<News>>,
}

impl Watched {
    fn tell(&mut self, news: impl FnOnce(&Live) -> Option<News>) {
        let Some(viewers) = &self.viewers else { return };
        if viewers.receiver_count() == 0 {
            self.viewers = None;
        } else if let Some(news) = news(&self.live) {
            // The last may have left just now.
            let _ = viewers.send(news);
        }
    }
}

impl Board {
    /// A board that follows a hub's calls as long as there is either.
    pub fn start(hub: &Arc<Hub>) -> Arc<Self> {
        let board = Arc::new(Self {
            state: Mutex::default(),
            news: broadcast::channel(BOARD_CHANGES).0,
        });
        let (listener, weak) = (hub.listen(), Arc::downgrade(&board));
        let hub = Arc::downgrade(hub);
        tokio::spawn(async move {
            let mut listener = listener;
            let mut pace = tokio::time::interval(BOARD_PACE);
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                let heard = tokio::select! {
                    heard = listener.recv() => Some(heard),
                    _ = pace.tick() => None,
                };
                let (Some(board), Some(hub)) = (weak.upgrade(), hub.upgrade()) else {
                    return;
                };
                match heard {
                    Some(Ok(told)) => board.note(&hub, &told),
                    Some(Err(RecvError::Lagged(missed))) => {
                        tracing::warn!(missed, "the desk's board missed events of calls");
                        board.forget_ended(&hub);
                    }
                    Some(Err(RecvError::Closed)) => return,
                    None => board.tell_changed(),
                }
            }
        });
        board
    }

    /// All live calls, and what changes from here on.
    pub fn watch_all(&self) -> (Vec<LiveCall>, broadcast::Receiver<BoardNews>) {
        let state = self.state();
        let news = self.news.subscribe();
        let mut calls: Vec<LiveCall> = state.calls.values().map(|one| one.live.call.clone()).collect();
        drop(state);
        // As they are to be taken.
        calls.sort_by_key(|call| (!call.priority, call.started));
        (calls, news)
    }

    /// A live call with what was said so far, and what changes from here on.
    pub fn watch(&self, call: CallId) -> Option<(LiveCall, Vec<Line>, broadcast::Receiver<News>)> {
        let mut state = self.state();
        let watched = state.calls.get_mut(&call)?;
        let viewers = watched
            .viewers
            .get_or_insert_with(|| broadcast::channel(CALL_CHANGES).0);
        let news = viewers.subscribe();
        Some((watched.live.call.clone(), watched.live.lines(), news))
    }

    /// A live call as it is now.
    pub fn call(&self, call: CallId) -> Option<LiveCall> {
        self.state().calls.get(&call).map(|one| one.live.call.clone())
    }

    /// Live calls that are as `wanted`.
    pub fn find(&self, wanted: impl Fn(&LiveCall) -> bool) -> Vec<CallId> {
        let state = self.state();
        let found = state.calls.iter().filter(|(_, one)| wanted(&one.live.call));
        found.map(|(id, _)| *id).collect()
    }

    /// What was said in a live call so far.
    pub fn lines(&self, call: CallId) -> Option<Vec<Line>> {
        self.state().calls.get(&call).map(|one| one.live.lines())
    }

    fn note(&self, hub: &Hub, happened: &Told) {
        let mut state = self.state();
        let id = happened.call;
        let State { calls, changed } = &mut *state;
        let watched = match calls.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                // What an ended call still tells makes it no live one again.
                let Some(facts) = hub.facts(id) else { return };
                let live = Live::new(id.to_string(), &facts, hub.config.original, hub.config.levels);
                place.insert(Watched { live, viewers: None })
            }
        };
        let at = watched
            .live
            .call
            .started
            .saturating_add_unsigned(happened.at.as_millis());
        let change = watched.live.note(happened.at, &happened.event);
        if let Some((kind, speaker, detail)) = told(&happened.event) {
            watched.tell(|_| {
                Some(News::Event(Arc::new(Happening {
                    at,
                    kind: kind.to_owned(),
                    speaker: speaker.map(|side| side.name().to_owned()),
                    detail,
                })))
            });
        }
        match change {
            Change::Nothing => {}
            Change::Call => {
                watched.tell(|live| Some(News::Call(Arc::new(live.call.clone()))));
                changed.insert(id);
            }
            Change::Line(place) => {
                watched.tell(|live| live.line(place).cloned().map(Arc::new).map(News::Line));
                if watched.live.line(place).is_some_and(|line| line.is_final) {
                    // Its delay is the call's newest.
                    watched.tell(|live| Some(News::Call(Arc::new(live.call.clone()))));
                    changed.insert(id);
                }
            }
            Change::Typed(number, text, failed) => {
                let news = TypedNews { number, text, failed };
                watched.tell(|_| Some(News::Typed(Arc::new(news))));
            }
            Change::Ended(reason) => {
                watched.tell(|_| Some(News::Ended(reason)));
                state.forget(id);
                // Nobody may be watching.
                let _ = self.news.send(BoardNews::Gone(id));
            }
        }
    }

    /// After a gap: calls that ended unnoticed are ended here too.
    fn forget_ended(&self, hub: &Hub) {
        let mut state = self.state();
        let ended: Vec<CallId> = state
            .calls
            .keys()
            .copied()
            .filter(|&id| hub.facts(id).is_none())
            .collect();
        for id in ended {
            if let Some(watched) = state.calls.get_mut(&id) {
                watched.tell(|_| Some(News::Ended("unknown")));
            }
            state.forget(id);
            let _ = self.news.send(BoardNews::Gone(id));
        }
    }

    fn tell_changed(&self) {
        let mut state = self.state();
        let changed = std::mem::take(&mut state.changed);
        if self.news.receiver_count() == 0 {
            return;
        }
        for id in changed {
            if let Some(watched) = state.calls.get(&id) {
                let _ = self
                    .news
                    .send(BoardNews::Call(Arc::new(watched.live.call.clone())));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, id: CallId) {
        self.calls.remove(&id);
        self.changed.remove(&id);
    }
}
