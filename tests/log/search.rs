//! Secrets that were planted, and a search for them in every way of writing that a log may have.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What must not be found.
#[derive(Default)]
pub struct Planted(Vec<(String, String)>);

impl Planted {
    /// `what` it is, and the secret itself; short ones would be found by chance.
    pub fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.chars().count() >= 8, "{what}: {secret:?}");
        self.0.push((what.to_owned(), secret.to_owned()));
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Which of them are in a log, with the line.
    pub fn found_in(&self, log: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (what, secret) in &self.0 {
            let ways = ways(secret);
            let line = log.lines().find(|line| ways.iter().any(|way| line.contains(way)));
            found.extend(line.map(|line| format!("{what} {secret:?} in {line:.2000}")));
        }
        found
    }
}

/// A secret as it is, and as JSON, Rust, forms, URLs and headers write it.
fn ways(secret: &str) -> Vec<String> {
    let json = |text: &str| {
        let quoted = serde_json::to_string(text).expect("text");
        quoted[1..quoted.len() - 1].to_owned()
    };
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let debug = format!("{secret:?}");
    let bytes = format!("{:?}", secret.as_bytes());
    let mut ways = vec![
        secret.to_owned(),
        json(secret),
        json(&json(secret)),
        debug[1..debug.len() - 1].to_owned(),
        json(&debug[1..debug.len() - 1]),
        form.replace('+', "%20"),
        form,
        bytes[1..bytes.len() - 1].to_owned(),
        secret.escape_unicode().to_string(),
    ];
    // In base64 it depends on what stands before it; characters that its neighbours have a part in are left out.
    for before in 0..3 {
        let padded = [vec![0; before], secret.as_bytes().to_vec()].concat();
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let whole = padded.len() / 3 * 4;
            ways.push(text[(before * 8).div_ceil(6)..whole].to_owned());
        }
    }
    ways.retain(|way| way.len() >= 8);
    ways
}
