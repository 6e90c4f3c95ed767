//! Twilio and OpenAI, simulated on loopback: for the demo, the tests and the load command.
//!
//! The simulator speaks only the public wires. It imports nothing from the rest of the crate and reads our messages with
//! types of its own, so that it cannot share our mistakes.

pub mod openai;
pub mod speech;
pub mod twilio;
