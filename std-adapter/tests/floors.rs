//! The house rules that a reader relies on: imports go down only, one file for each format, one reader of the clock.

#[path = "../../core/tests/support/floors.rs"]
mod floors;

use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file with its text, comments left out.
fn sources() -> Vec<(PathBuf, String)> {
    let page = floors::read(&src().join("lib.rs"));
    let modules = floors::floors(&page);
    let files = modules.keys().flat_map(|module| floors::files_of(&src(), module));
    files
        .map(|file| (file.strip_prefix(src()).unwrap().to_owned(), floors::code(&floors::read(&file))))
        .collect()
}

/// The files in whose code one of the words stands.
fn files_naming(words: &[&str]) -> Vec<PathBuf> {
    let names = |code: &str| words.iter().any(|word| code.contains(word));
    sources().into_iter().filter(|(_, code)| names(code)).map(|(file, _)| file).collect()
}

#[test]
fn imports_go_down_only() {
    assert_eq!(floors::breaches(&src()), Vec::<String>::new());
}

#[test]
fn every_file_says_what_it_is() {
    for (file, _) in sources() {
        assert!(
            floors::read(&src().join(&file)).starts_with("//! "),
            "{} does not start with `//! `",
            file.display()
        );
    }
}

#[test]
fn one_file_derives_the_disk_format() {
    assert_eq!(files_naming(&["postcard::"]), [Path::new("store/record.rs")]);
}

#[test]
fn only_the_clock_reads_the_time() {
    assert_eq!(files_naming(&["SystemTime", "Timestamp::now", "now_v7"]), [Path::new("clock.rs")]);
}

#[test]
fn the_network_knows_no_webhook() {
    for (file, code) in sources().into_iter().filter(|(file, _)| file.starts_with("net")) {
        assert!(!code.contains("ebhook"), "{} names a webhook", file.display());
    }
}
