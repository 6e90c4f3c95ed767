//! The shape of the sources: which folder may know what, how long a file and a function may be, and that the papers name every setting.

#![allow(clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file, and of a function.
const FILE_MAX: usize = 500;
const FUNCTION_MAX: usize = 70;

/// Folders and files without I/O, clock or async.
const PURE: [&str; 6] = [
    "src/call/",
    "src/audio/",
    "src/carrier/twilio/",
    "src/engine/",
    "src/language.rs",
    "src/phrase.rs",
];

/// The REST client lives beside its carrier, and is the one file there that talks to the network.
const NOT_PURE: [&str; 2] = ["src/carrier/twilio/rest.rs", "src/carrier/twilio/rest_tests.rs"];

const FORBIDDEN_IN_PURE: [&str; 9] = [
    "tokio",
    "axum",
    "sqlx",
    "hyper",
    "reqwest",
    "std::net",
    "Instant",
    "SystemTime",
    "async fn",
];

struct Source {
    /// Relative to the repository.
    path: String,
    text: String,
}

impl Source {
    /// Whether all of it is test code.
    fn is_test(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
    }

    /// Its lines with their numbers, without comments, and without the test module at its end.
    fn code(&self) -> Vec<(usize, String)> {
        let product = match self.text.split_once("#[cfg(test)]\nmod tests {") {
            Some((product, _)) => product,
            None => &self.text,
        };
        let lines = product.lines().enumerate();
        lines.map(|(number, line)| (number + 1, bare(line))).collect()
    }
}

/// A line without its comment and without the insides of its strings and characters.
fn bare(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => _ = chars.next(),
            '"' => quoted = !quoted,
            _ if quoted => {}
            '/' if chars.peek() == Some(&'/') => break,
            '\'' => {
                let ahead: String = chars.clone().take(3).collect();
                let length = if ahead.starts_with('\\') { 3 } else { 2 };
                if ahead.chars().nth(length - 1) == Some('\'') {
                    chars.nth(length - 1);
                }
            }
            _ => out.push(c),
        }
    }
    out
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path
                    .strip_prefix(root)
                    .expect("inside")
                    .to_string_lossy()
                    .into_owned();
                let text = fs::read_to_string(&path).expect("text");
                found.push(Source { path: name, text });
            }
        }
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

/// Lines of code in which one of these words stands.
fn lines_with(source: &Source, words: &[&str]) -> Vec<String> {
    let code = source.code().into_iter();
    let found = code.filter(|(_, line)| words.iter().any(|word| has_word(line, word)));
    found
        .map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()))
        .collect()
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (
            line[..at].chars().next_back(),
            line[at + word.len()..].chars().next(),
        );
        !part(before) && !part(after)
    })
}

fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn pure_folders_know_neither_network_nor_clock() {
    let pure = |source: &Source| {
        let path = source.path.as_str();
        PURE.iter().any(|folder| path.starts_with(folder)) && !NOT_PURE.contains(&path) && !source.is_test()
    };
    let pure: Vec<_> = sources("src").into_iter().filter(pure).collect();
    assert!(pure.len() > 25, "{} pure files", pure.len());
    let found: Vec<_> = pure
        .iter()
        .flat_map(|source| lines_with(source, &FORBIDDEN_IN_PURE))
        .collect();
    none("not pure", &found);
}

#[test]
fn the_simulator_knows_nothing_of_the_product() {
    let mut found = Vec::new();
    for source in sources("src/sim") {
        for (number, line) in source.text.lines().map(bare).enumerate() {
            let foreign = line.split("crate::").skip(1).any(|rest| !rest.starts_with("sim"));
            let sideways = line.contains("duologue::");
            if foreign || sideways {
                found.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    none("imports of the product", &found);
}

#[test]
fn nothing_that_can_fail_is_unwrapped() {
    let product = sources("src").into_iter().filter(|source| !source.is_test());
    let mut found = Vec::new();
    for source in product {
        for (number, line) in source.code() {
            if line.contains(".unwrap()") || line.contains(".expect(") {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none("unwrapped", &found);
}

#[test]
fn files_are_short() {
    let all = ["src", "tests"].into_iter().flat_map(sources);
    let long = all.map(|source| (source.text.lines().count(), source.path));
    let long: Vec<_> = long
        .filter(|(lines, _)| *lines > FILE_MAX)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    none("longer than 500 lines", &long);
}

/// The functions of a file: where each begins, and its lines from its name to its last brace.
fn functions(source: &Source) -> Vec<(usize, usize)> {
    let mut open: Vec<(usize, i32)> = Vec::new();
    let mut found = Vec::new();
    let mut depth = 0_i32;
    // Where a function's name stands whose body has not begun.
    let mut named = None;
    for (number, line) in source.text.lines().map(bare).enumerate() {
        if has_word(&line, "fn") && line.contains('(') {
            named = Some(number);
        }
        for c in line.chars() {
            match c {
                '{' => {
                    depth += 1;
                    if let Some(start) = named.take() {
                        open.push((start, depth));
                    }
                }
                '}' => {
                    if let Some((start, _)) = open.pop_if(|(_, at)| *at == depth) {
                        found.push((start + 1, number - start + 1));
                    }
                    depth -= 1;
                }
                // A declaration without a body.
                ';' if open.last().is_none_or(|(_, at)| *at < depth) => named = None,
                _ => {}
            }
        }
    }
    found
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    let mut count = 0;
    for source in ["src", "tests"].into_iter().flat_map(sources) {
        for (line, length) in functions(&source) {
            count += 1;
            if length > FUNCTION_MAX {
                long.push(format!("{}:{line}: {length} lines", source.path));
            }
        }
    }
    assert!(count > 500, "{count} functions found");
    none("longer than 70 lines", &long);
}

/// The names of settings that the program reads.
fn variables() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources("src")
        .into_iter()
        .filter(|source| !source.is_test() && !source.path.starts_with("src/sim/"))
    {
        let reads = source.path.starts_with("src/config/") || source.path == "src/main.rs";
        let product = source
            .text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default()
            .to_owned();
        // What stands between quotation marks and looks like a variable.
        for name in product
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|name| reads && is_variable(name))
        {
            names.insert(name.to_owned());
        }
    }
    names
}

fn is_variable(text: &str) -> bool {
    text.len() > 4 && text.contains('_') && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

#[test]
fn every_setting_is_in_the_papers() {
    let variables = variables();
    assert!(
        variables.len() > 25 && variables.contains("AGENT_WAIT_SECONDS"),
        "{variables:?}"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for paper in ["README.md", ".env.sample"] {
        match fs::read_to_string(root.join(paper)) {
            Err(error) => missing.push(format!("{paper} cannot be read: {error}")),
            Ok(text) => {
                let absent = variables.iter().filter(|name| !has_word(&text, name));
                missing.extend(absent.map(|name| format!("{name} is not in {paper}")));
            }
        }
    }
    none("settings that nobody can find", &missing);
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let mut found = Vec::new();
    for source in sources("src") {
        let allowed = source.path == "src/main.rs" || source.path.starts_with("src/config/");
        if !allowed && !source.is_test() {
            found.extend(lines_with(&source, &["env::var", "env::vars", "env::var_os"]));
        }
    }
    none("reads the environment", &found);
}

#[test]
fn the_checks_find_what_they_look_for() {
    let planted = |text: &str| Source {
        path: "src/call/planted.rs".to_owned(),
        text: text.to_owned(),
    };
    let found = |text: &str| lines_with(&planted(text), &FORBIDDEN_IN_PURE).len();
    assert_eq!(
        found("use tokio::time::sleep;\nlet now = std::time::Instant::now();\npub async fn wait() {}"),
        3
    );
    assert_eq!(
        found("// tokio\nlet text = \"tokio\";\nlet tokios = 1;\nfn instant() {}"),
        0
    );
    assert_eq!(
        found("fn one() {}\n#[cfg(test)]\nmod tests {\n    use tokio::test;\n}"),
        0
    );
    let inner = "fn outer(\n    a: u8,\n) {\n    let inner = |b| { b };\n    fn short() {}\n    '{';\n}\ntrait T {\n    fn none(&self);\n}\n";
    assert_eq!(functions(&planted(inner)), [(5, 1), (1, 7)]);
    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_MAX));
    assert!(
        functions(&planted(&long))
            .iter()
            .any(|(_, length)| *length > FUNCTION_MAX)
    );
}
