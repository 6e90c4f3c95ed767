//! What the fuzzer has found of interest, replayed: every file of `fuzz/corpus` through the function that found it.

#![allow(clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use duologue::fuzzing::TARGETS;

/// A corpus is there to be replayed with every run of the tests, and to be read.
const CORPORA_MAX: u64 = 200_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).expect("a folder");
    let mut all: Vec<_> = all.map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

#[test]
fn nothing_of_the_corpora_breaks_a_parsers_word() {
    for (name, target) in TARGETS {
        let corpus = entries(&folder().join("corpus").join(name));
        assert!(corpus.len() > 5, "{name} has {} files", corpus.len());
        for file in corpus {
            let data = fs::read(&file).expect("a file");
            let replayed = std::panic::catch_unwind(|| target(&data));
            assert!(replayed.is_ok(), "{}", file.display());
        }
    }
}

#[test]
fn the_corpora_are_small() {
    let files = TARGETS
        .iter()
        .flat_map(|(name, _)| entries(&folder().join("corpus").join(name)));
    let bytes: u64 = files.map(|file| file.metadata().expect("a file").len()).sum();
    assert!(bytes < CORPORA_MAX, "{bytes} bytes");
}

#[test]
fn every_target_has_a_program_and_a_corpus_and_there_are_no_others() {
    let names = |folder: PathBuf| -> BTreeSet<String> {
        let stem = |path: PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned());
        entries(&folder).into_iter().filter_map(stem).collect()
    };
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(folder().join("fuzz_targets")), targets);
    assert_eq!(names(folder().join("corpus")), targets);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("a manifest");
    for name in targets {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
    }
}
