//! What the runners of client libraries share: a server of the real binary, commands that must succeed, and skipping.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-the-client-tests";

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Passes without having tested anything, and says so past the test runner's capture of output. Not on a build server.
pub(crate) fn skip(clients: &str, cause: &dyn Error) {
    assert!(std::env::var_os("CI").is_none(), "{clients} cannot be tested: {cause}");
    let _ = writeln!(io::stderr(), "\n*** SKIPPED: {clients} NOT tested: {cause} ***\n");
}

/// Standard output of a command that must succeed.
pub(crate) fn output_of(command: &mut Command) -> Outcome<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|cause| format!("{name} does not run: {cause}"))?;
    if !output.status.success() {
        let told = [output.stdout, output.stderr].concat();
        return Err(format!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&told)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs the tests of a client library, shows what they print, and fails when they fail.
pub(crate) fn run_tests(command: &mut Command, server: &Server) {
    let run = command
        .env("BELLWIRE_URL", &server.url)
        .env("BELLWIRE_ADMIN_TOKEN", ADMIN_TOKEN)
        .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
        .output()
        .expect("the tests run");
    print!("{}", String::from_utf8_lossy(&run.stdout));
    eprint!("{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "tests failed: see their output");
}

/// A running server with nothing in it, killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
    /// Kept, so that the server can go on writing.
    _stdout: BufReader<ChildStdout>,
    _data: tempfile::TempDir,
}

impl Server {
    /// Starts a server with more settings than the usual ones of these tests.
    pub(crate) fn start(more: &[&str]) -> Outcome<Server> {
        let data = tempfile::tempdir()?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_bellwire"))
            .args(["serve", "--listen", "127.0.0.1:0", "--allow-private-networks"])
            .args(["--retry-delay", "200ms", "--log", "error", "--data"])
            .arg(data.path())
            .args(more)
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
