//! Whole conversations on a virtual clock.
//!
//! `conversation` and `world` are the stage: lines, interpreters and a carrier that do as their script says. The tests
//! read as conversations, one file for each part of a call's life; `model` lets chance write the script and checks what
//! must hold whatever happens.

mod away;
mod chance;
mod comeback;
mod continuity;
mod controlling;
mod conversation;
mod desk;
mod dialling;
mod engines;
mod interpreter;
mod joining;
mod line;
mod mixing;
mod model;
mod parting;
mod script;
mod streams;
mod talking;
mod transfer;
mod transfer_trouble;
mod trouble;
mod typing;
mod typist;
mod waiting;
mod world;
