//! A picture of a call: who spoke and who heard what when, as SVG.

use std::fmt::Write as _;

use super::play::{Played, Recording, Said};
use crate::audio::{BYTES_PER_MS, level};
use crate::sim::speech::{self, Tongue};

/// Pixels of a second.
const SCALE: f64 = 30.0;
const LEFT: f64 = 130.0;
const ROW: f64 = 46.0;
const TOP: f64 = 60.0;

/// Pauses within a sentence that do not break its bar.
const JOIN_MS: u64 = 300;

/// Draws the whole call.
pub fn svg(played: &Played) -> String {
    let end = [&played.caller, &played.agent]
        .iter()
        .map(|one| one.offset_ms + (one.heard.len() / BYTES_PER_MS) as u64)
        .max()
        .unwrap_or_default();
    let (width, height) = (LEFT + x(end) + 30.0, TOP + 4.0 * ROW + 50.0);
    let mut out = String::new();
    // Writing to a string cannot fail, here and below.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"sans-serif\" \
         font-size=\"13\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><text x=\"12\" y=\"26\" font-size=\"17\">One \
         translated call</text>"
    );
    axis(&mut out, end);
    let rows = [
        ("caller speaks", 0),
        ("agent hears", 1),
        ("agent speaks", 2),
        ("caller hears", 3),
    ];
    for (name, row) in rows {
        let y = TOP + f64::from(row) * ROW + 21.0;
        let _ = write!(out, "<text x=\"12\" y=\"{y:.0}\">{name}</text>");
    }
    said(&mut out, 0, &played.caller.said, Tongue::Spanish, "#c2571a");
    heard(&mut out, 1, &played.agent, 0, "#e9a97e");
    said(&mut out, 2, &played.agent.said, Tongue::English, "#1d5f8a");
    heard(&mut out, 3, &played.caller, played.conversation_ms, "#86b8d8");
    out.push_str("</svg>\n");
    out
}

fn x(ms: u64) -> f64 {
    ms as f64 / 1000.0 * SCALE
}

fn axis(out: &mut String, end: u64) {
    let bottom = TOP + 4.0 * ROW;
    for second in (0..=end / 1000).step_by(5) {
        let at = LEFT + x(second * 1000);
        let _ = write!(
            out,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{:.0}\" \
             text-anchor=\"middle\" fill=\"#555\">{second} s</text>",
            bottom + 20.0
        );
    }
}

fn bar(out: &mut String, row: u32, (from, to): (u64, u64), fill: &str, title: &str) {
    let (left, top, width) = (LEFT + x(from), TOP + f64::from(row) * ROW, x(to - from));
    let _ = write!(
        out,
        "<rect x=\"{left:.1}\" y=\"{top:.0}\" width=\"{width:.1}\" height=\"32\" rx=\"4\" fill=\"{fill}\"><title>{}</title></rect>",
        escape(title)
    );
}

fn said(out: &mut String, row: u32, said: &[Said], tongue: Tongue, fill: &str) {
    for one in said {
        bar(
            out,
            row,
            (one.from_ms, one.to_ms),
            fill,
            speech::text(one.phrase, tongue),
        );
    }
}

/// What a party heard; what came before the conversation was hold audio and is drawn pale.
fn heard(out: &mut String, row: u32, party: &Recording, conversation_ms: u64, fill: &str) {
    for (from, to) in audible(&party.heard) {
        let (from, to) = (from + party.offset_ms, to + party.offset_ms);
        let (fill, title) = if to <= conversation_ms {
            ("#dcdcdc", "hold audio")
        } else {
            (fill, "translation")
        };
        bar(out, row, (from, to), fill, title);
    }
}

/// The stretches in which something can be heard, in milliseconds.
fn audible(mulaw: &[u8]) -> Vec<(u64, u64)> {
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for (index, frame) in mulaw.chunks(20 * BYTES_PER_MS).enumerate() {
        if !level::is_audible(frame) {
            continue;
        }
        let (from, to) = (index as u64 * 20, index as u64 * 20 + 20);
        match stretches.last_mut() {
            Some((_, end)) if from - *end <= JOIN_MS => *end = to,
            _ => stretches.push((from, to)),
        }
    }
    stretches
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
