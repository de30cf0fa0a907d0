//! Contentful's official JavaScript packages, unchanged, against the real server: installs and runs `tests/clients/js`.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

const ADMIN_TOKEN: &str = "admin-token-of-the-client-tests";
/// Oldest Node that the tests run on; also in their `package.json`.
const NODE_MAJOR_MIN: u32 = 20;
/// What is installed: the pinned packages, and how npm is to go about it.
const MANIFEST: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
/// In `node_modules`: the lock that was installed, written when the installation was complete.
const INSTALLED: &str = "node_modules/.installed-lock.json";

type Outcome<T> = Result<T, Box<dyn Error>>;

#[test]
fn official_packages_work_unchanged() {
    let tests = match require_node().and_then(|()| install()) {
        Ok(tests) => tests,
        Err(cause) => return skip(&*cause),
    };
    let server = Server::start().expect("the server starts");
    let run = Command::new("node")
        .args(["--test", "--test-reporter=spec", "--test-concurrency=4", "--test-timeout=120000"])
        .current_dir(tests)
        .env("BELLWIRE_URL", &server.url)
        .env("BELLWIRE_ADMIN_TOKEN", ADMIN_TOKEN)
        .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
        .output()
        .expect("node runs");
    print!("{}", String::from_utf8_lossy(&run.stdout));
    eprint!("{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "tests failed: see their output");
}

/// Passes without having tested anything, and says so past the test runner's capture of output. Not on a build server.
fn skip(cause: &dyn Error) {
    assert!(std::env::var_os("CI").is_none(), "the JavaScript clients cannot be tested: {cause}");
    let _ = writeln!(io::stderr(), "\n*** SKIPPED: the JavaScript clients were NOT tested: {cause} ***\n");
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

/// Standard output of a command that must succeed.
fn output_of(command: &mut Command) -> Outcome<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|cause| format!("{name} does not run: {cause}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} ended with {}: {told}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
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

/// A running server with nothing in it, killed when dropped.
struct Server {
    process: Child,
    url: String,
    /// Kept, so that the server can go on writing.
    _stdout: BufReader<ChildStdout>,
    _data: tempfile::TempDir,
}

impl Server {
    fn start() -> Outcome<Server> {
        let data = tempfile::tempdir()?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_bellwire"))
            .args(["serve", "--listen", "127.0.0.1:0", "--allow-private-networks"])
            .args(["--retry-delay", "200ms", "--log", "error", "--data"])
            .arg(data.path())
            .env_clear()
            .env("BELLWIRE_ADMIN_TOKEN", ADMIN_TOKEN)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let url = line.split([' ', ',']).find(|word| word.starts_with("http://"));
        let url = url.ok_or_else(|| format!("no address in the server's first line: {line:?}"))?.to_owned();
        Ok(Server { process, url, _stdout: stdout, _data: data })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
