//! What is held against every parser of outside input: not only that it never fails, but what its answers have in common.
//!
//! Each function takes any bytes at all and panics where a parser breaks its word. The fuzzer of `fuzz/` looks for such bytes;
//! `tests/corpus.rs` replays what it has found of interest. Not a part of the product.

mod engines;
mod papers;
mod wires;

pub use self::engines::{prompted, translate, typist};
pub use self::papers::{openid, settings, wav, words};
pub use self::wires::{browser, carrier, webhook};

/// One of the functions here.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its program and of its corpus in `fuzz/`.
pub const TARGETS: [(&str, Target); 10] = [
    ("browser", browser),
    ("carrier", carrier),
    ("openid", openid),
    ("prompted", prompted),
    ("settings", settings),
    ("translate", translate),
    ("typist", typist),
    ("wav", wav),
    ("webhook", webhook),
    ("words", words),
];

/// The messages in some input. No text in UTF-8 has the byte between them.
fn messages(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|&byte| byte == 0xFF)
}
