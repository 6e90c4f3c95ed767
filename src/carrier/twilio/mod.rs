//! Twilio: media streams, documents, webhooks and the REST API.
//!
//! A thin client of our own: no crate on offer writes `<Connect><Stream>` and `<Enqueue><Task>`, updates a call,
//! verifies signatures and can be pointed at another address.

pub mod rest;
pub mod signature;
pub mod stream;
pub mod taskrouter;
pub mod twiml;
pub mod webhook;
