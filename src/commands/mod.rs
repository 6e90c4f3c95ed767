//! What the program can be told to do.

pub mod demo;
pub mod health;
pub mod load;
pub mod logging;
pub mod serve;
pub mod signals;
pub mod user;
