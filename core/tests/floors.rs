//! The house rules that a reader relies on: imports go down only, and the core names nothing it must not.

#[path = "support/floors.rs"]
mod floors;

use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file of the core with its text, comments left out.
fn sources() -> Vec<(PathBuf, String)> {
    let page = floors::read(&src().join("lib.rs"));
    let modules = floors::floors(&page);
    let files = modules.keys().flat_map(|module| floors::files_of(&src(), module));
    files
        .chain([src().join("lib.rs")])
        .map(|file| (file.clone(), floors::code(&floors::read(&file))))
        .collect()
}

#[test]
fn imports_go_down_only() {
    assert_eq!(floors::breaches(&src()), Vec::<String>::new());
}

#[test]
fn a_breach_is_found() {
    let page = floors::floors("//! | 1 | [`high`] `tall` |\n//! | 0 | [`low`] |");
    assert_eq!(
        page.into_iter().collect::<Vec<_>>(),
        [("high".into(), 1), ("low".into(), 0), ("tall".into(), 1)]
    );

    let crate_of_a_test = std::env::temp_dir().join(format!("bellwire-floors-{}", std::process::id()));
    std::fs::create_dir_all(&crate_of_a_test).unwrap();
    let file = |name: &str, text: &str| std::fs::write(crate_of_a_test.join(name), text).unwrap();
    file("lib.rs", "//! | 1 | `high` |\n//! | 0 | `low` |\npub mod high;\nmod low;\nmod stray;\n");
    file("high.rs", "use crate::low::Ground;");
    file("low.rs", "use crate::high::Roof;");
    let breaches = floors::breaches(&crate_of_a_test);
    std::fs::remove_dir_all(&crate_of_a_test).unwrap();
    assert_eq!(breaches.len(), 2, "{breaches:?}");
    assert_eq!(breaches[0], "module `stray` stands on no floor");
    assert!(breaches[1].ends_with("`low` on floor 0 imports `high` on floor 1"), "{breaches:?}");
}

#[test]
fn the_core_names_no_memory_no_clock_and_no_socket() {
    const BANNED: [&str; 7] = ["std", "Instant", "SystemTime", "sleep", "TcpListener", "UdpSocket", "unsafe"];
    for (file, code) in sources() {
        // Memory is for the tables that grow; the first page and the list of files switch them on.
        let growing = ["lib.rs", "table/mod.rs", "table/build/mod.rs", "table/build/growing.rs"];
        let memory = (!growing.iter().any(|growing| file == src().join(growing))).then_some("alloc");
        // Only the module that lends a socket of smoltcp may name one.
        let socket = (file != src().join("smoltcp_io.rs")).then_some("socket");
        for word in code.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let banned = BANNED.contains(&word) || [memory, socket].contains(&Some(word));
            assert!(!banned, "{} names `{word}`", file.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (file, _) in sources() {
        assert!(floors::read(&file).starts_with("//! "), "{} does not start with `//! `", file.display());
    }
}

#[test]
fn one_file_knows_the_packet() {
    let naming = sources().into_iter().filter(|(_, code)| code.contains("postcard"));
    let files: Vec<PathBuf> = naming.map(|(file, _)| file).collect();
    assert_eq!(files, [src().join("wire/packet.rs")]);
}
