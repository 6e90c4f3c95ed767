//! Dialects of the telephone side. An adapter turns a carrier's wire into the call's words and back; the call knows
//! none of them.

pub mod twilio;
