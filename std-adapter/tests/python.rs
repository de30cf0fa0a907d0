//! Contentful's official Python package, unchanged, against the real server: installs it and runs `tests/clients/python`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Outcome, Server, output_of, run_tests, skip};

/// Requests a second that the server of the tests about rate limits takes from a token.
const FEW: &str = "5";
/// In the virtual environment: the requirements that were installed, written when the installation was complete.
const INSTALLED: &str = "installed-requirements.txt";

#[test]
fn official_package_works_unchanged() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python");
    let python = match install(&tests) {
        Ok(python) => python,
        Err(cause) => return skip("the Python client", &*cause),
    };
    let server = Server::start(&[]).expect("the server starts");
    let limited = Server::start(&["--rate-limit", FEW]).expect("the limited server starts");
    let mut unittest = Command::new(python);
    unittest.args(["-B", "-m", "unittest", "--verbose"]).env("BELLWIRE_LIMITED_URL", &limited.url);
    run_tests(unittest.current_dir(tests), &server);
}

/// A virtual environment under the build directory with the pinned packages; gives its Python.
fn install(tests: &Path) -> Outcome<PathBuf> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-python");
    let python = environment.join("bin/python");
    let requirements = tests.join("requirements.txt");
    let wanted = fs::read(&requirements)?;
    if fs::read(environment.join(INSTALLED)).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    output_of(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    output_of(Command::new(&python).args(pip).arg(&requirements))?;
    fs::write(environment.join(INSTALLED), wanted)?;
    Ok(python)
}
