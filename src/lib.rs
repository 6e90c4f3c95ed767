//! Duologue: two people on the phone, each in their own language.
//!
//! ```text
//!  caller ──phone──► carrier ══ media stream ══╗               ╔══ media stream ══ carrier ◄── agent
//!                                    caller leg ╠═ direction ══►╣ agent leg
//!                                               ║◄═ direction ══╣
//!                                               ╚══════╤════════╝
//!                                    interpreter sessions (one each way)
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`call`] | one conversation as a pure state machine: inputs in, outputs out |
//! | [`audio`] | telephone audio: levels, filters, mixing, tempo, tones, files |
//! | [`carrier`] | dialects of the legs: Twilio |
//! | [`engine`] | dialects of the interpreters: OpenAI's prompted and dedicated sessions |
//! | [`hub`] | the running side: the task of a call, its sockets, lanes, drain |
//! | [`recording`] | audio of calls in files, and listening in |
//! | [`records`] | what is kept of calls, in SQLite or PostgreSQL |
//! | [`http`] | webhooks, streams, probes |
//! | [`address`] | e-mail addresses, by one strict parser |
//! | [`language`], [`phrase`] | the languages and our own sentences in them |
//! | [`name`] | names of users and workers, and when two are one |
//! | [`config`] | the environment, checked as a whole |
//! | [`sim`] | Twilio and OpenAI, simulated on loopback |
//!
//! Dependencies run one way: `http → hub → call → audio, language`; `carrier` and `engine` know what goes into and comes
//! out of a call, a call knows neither.

#![warn(clippy::unwrap_used, clippy::expect_used)]

pub mod address;
pub mod audio;
pub mod call;
pub mod carrier;
pub mod commands;
pub mod config;
pub mod desk;
pub mod engine;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod hub;
pub mod language;
pub mod name;
pub mod phrase;
pub mod priority;
pub mod recording;
pub mod records;
pub mod sim;
pub mod wire;
