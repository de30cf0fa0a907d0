//! Contentful's official JavaScript packages, unchanged, against the real server: installs and runs `tests/clients/js`.

mod support;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Outcome, Server, output_of, run_tests, skip};

/// Oldest Node that the tests run on; also in their `package.json`.
const NODE_MAJOR_MIN: u32 = 20;
/// What is installed: the pinned packages, and how npm is to go about it.
const MANIFEST: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
/// In `node_modules`: the lock that was installed, written when the installation was complete.
const INSTALLED: &str = "node_modules/.installed-lock.json";

#[test]
fn official_packages_work_unchanged() {
    let tests = match require_node().and_then(|()| install()) {
        Ok(tests) => tests,
        Err(cause) => return skip("the JavaScript clients", &*cause),
    };
    let server = Server::start(&[]).expect("the server starts");
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=4", "--test-timeout=120000"]);
    run_tests(node.current_dir(tests), &server);
}

fn require_node() -> Outcome<()> {
    output_of(Command::new("npm").arg("--version"))?;
    let version = output_of(Command::new("node").arg("--version"))?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_MAJOR_MIN) {
        return Err(format!("node is {}, at least {NODE_MAJOR_MIN} is needed", version.trim()).into());
    }
    Ok(())
}

/// A copy of the tests under the build directory, with their packages installed: the source tree stays as it is.
fn install() -> Outcome<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/js");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-js");
    copy_tests(&source, &copy)?;
    let lock = fs::read(source.join("package-lock.json"))?;
    if fs::read(copy.join(INSTALLED)).is_ok_and(|installed| installed == lock) {
        return Ok(copy);
    }
    for name in MANIFEST {
        fs::copy(source.join(name), copy.join(name))?;
    }
    output_of(Command::new("npm").arg("ci").current_dir(&copy))?;
    fs::write(copy.join(INSTALLED), lock)?;
    Ok(copy)
}

/// Copies the modules, and removes from the copy those that the source has no more.
fn copy_tests(source: &Path, copy: &Path) -> io::Result<()> {
    fs::create_dir_all(copy)?;
    for old in modules(copy)? {
        fs::remove_file(old)?;
    }
    for module in modules(source)? {
        fs::copy(&module, copy.join(module.file_name().unwrap_or_default()))?;
    }
    if source.join("support").is_dir() {
        copy_tests(&source.join("support"), &copy.join("support"))?;
    }
    Ok(())
}

fn modules(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "mjs")).collect())
}
