//! What the world around a call does of its own accord, and what it has put off.

use std::collections::VecDeque;

use super::typist::Fate;
use crate::call::{Cure, DialError, EngineKind, Input, MarkId, SessionId, Side, SocketId};

/// What the world does of its own accord.
#[derive(Clone, Debug)]
pub struct Script {
    /// What becomes of each dial; placed when nothing is said.
    pub dials: VecDeque<Dialled>,
    pub dial_ms: u64,
    /// What each look for an unclear dial shows; nothing found when nothing is said.
    pub looks: VecDeque<Result<bool, ()>>,
    pub grants_lane: bool,
    /// Whether an engine can be reached at all.
    pub reached: bool,
    /// When a session confirms its settings; never if `None`.
    pub ready_ms: [Option<u64>; 2],
    /// How many sessions of each speaker fail instead.
    pub failing: [u32; 2],
    pub think_ms: u64,
    pub answer_ms: u64,
    /// What becomes of each typed message; it is spoken when nothing is said.
    pub messages: VecDeque<Option<Fate>>,
    /// How long each is.
    pub message_ms: u64,
    /// How many sessions for messages fail, and what would help.
    pub typists_failing: u32,
    pub typists_cure: Cure,
    /// Sessions of this engine fail at once, for good or not.
    pub away: Option<(EngineKind, bool)>,
    /// New sessions hear nothing.
    pub deaf: bool,
    /// Whether each request to end a call succeeds; yes when nothing is said.
    pub completes: VecDeque<bool>,
    /// What a question whether a call still runs is answered.
    pub live: Option<bool>,
    /// The carrier asks what comes next when a stream has ended.
    pub asks: bool,
    /// It then connects again, if it is told to.
    pub returns: bool,
    pub echoes: bool,
}

/// What becomes of a dial: whether a call is made, and what we are told.
#[derive(Clone, Copy, Debug)]
pub struct Dialled {
    pub made: bool,
    pub told: Result<(), DialError>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            dials: VecDeque::new(),
            dial_ms: 100,
            looks: VecDeque::new(),
            grants_lane: true,
            reached: true,
            ready_ms: [Some(200); 2],
            failing: [0; 2],
            think_ms: 300,
            answer_ms: 1_000,
            messages: VecDeque::new(),
            message_ms: 800,
            typists_failing: 0,
            typists_cure: Cure::Again,
            away: None,
            deaf: false,
            completes: VecDeque::new(),
            live: Some(true),
            asks: true,
            returns: true,
            echoes: true,
        }
    }
}

/// What is to happen later.
#[derive(Debug)]
pub enum Later {
    Input(Input<'static>),
    Mark(SocketId, MarkId, usize),
    /// A session has translated this much of what it heard.
    Answered(SessionId, Vec<u8>),
    /// A session that was told to finish has said everything, if it has.
    Finish(SessionId),
    /// A session says this much of its translation.
    Speech(SessionId, u32, usize),
    /// A stream connects with the newest token of its side.
    Connect(Side),
    /// A dial is answered: its number, and what we are told.
    Dialled(usize, Result<(), DialError>),
}
