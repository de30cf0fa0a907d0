//! Starts the binary, reads where it listens, talks to it, ends it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The admin token of the test servers.
pub(crate) const ADMIN: &str = "admin-token-for-tests";
/// How long a request may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The command, without anything of this process' environment that could change what it does.
pub(crate) fn bellwire(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BELLWIRE_")) {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Names how much the servers of the tests log.
const LOG: &str = "BELLWIRE_TEST_LOG";

/// The command that serves a directory, as often and to any endpoint as is asked for, and logs to this process' standard error.
pub(crate) fn serve(data: &Path) -> Command {
    let mut command = bellwire(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--allow-private-networks",
        "--rate-limit",
        "0",
        "--log",
        &std::env::var(LOG).unwrap_or("warn".to_owned()),
    ]);
    command.arg("--data").arg(data).env("BELLWIRE_ADMIN_TOKEN", ADMIN).stderr(Stdio::inherit());
    command
}

/// The same command run by another, such as one that watches it or limits what it may have.
pub(crate) fn under(outer: &[&str], command: &Command) -> Command {
    let mut both = Command::new(outer[0]);
    both.args(&outer[1..]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => both.env(name, value),
            None => both.env_remove(name),
        };
    }
    both.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    both
}

/// A running server; killed when dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// Starts `bellwire serve` on a directory and waits until it listens.
    pub(crate) fn serve(data: &Path, more: &[&str]) -> Process {
        let mut command = serve(data);
        command.args(more);
        Process::start(command)
    }

    /// Starts a command that says `… listens on http://ADDRESS…` in its first line.
    pub(crate) fn start(command: Command) -> Process {
        Process::try_start(command).unwrap_or_else(|ended| panic!("it did not start: {ended:?}"))
    }

    /// The same; when the process ends without having said so, how it ended.
    pub(crate) fn try_start(mut command: Command) -> Result<Process, ExitStatus> {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let Some((_, rest)) = first.split_once("http://") else { return Err(child.wait().unwrap()) };
        let address: String = rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
        Ok(Process { child, address: address.parse().unwrap(), lines })
    }

    /// The next line of its standard output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: a small system has no program of that name.
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Asks it to stop, and waits. Answers with its exit code and what it still printed.
    pub(crate) fn terminate(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (code, rest)
    }

    /// A request with the admin token; the status and the body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<(u16, Value)> {
        send(self.address, method, path, headers, body)
    }

    /// A request that must succeed.
    pub(crate) fn ok(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, body) = self.send(method, path, &[], body).unwrap();
        assert!((200..300).contains(&status), "{method} {path}: {status} {body}");
        body
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the body of one request over a connection of its own. An error when the server goes away before it
/// has answered.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<(u16, Value)> {
    let answer = exchange(address, method, path, headers, body)?;
    Ok((answer.status, answer.body))
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and the headers.
    pub(crate) head: String,
    /// A JSON text when it is no JSON.
    pub(crate) body: Value,
}

/// One request over a connection of its own. An error when the server goes away before it has answered.
pub(crate) fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {ADMIN}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let cut_off = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut_off)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(cut_off)?;
    let body =
        if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap_or(Value::from(body)) };
    Ok(Answer { status, head: head.to_owned(), body })
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str], server: Option<&Process>) -> Output {
    let mut command = bellwire(args);
    if let Some(server) = server {
        command.env("BELLWIRE_URL", server.url()).env("BELLWIRE_TOKEN", ADMIN);
    }
    command.output().unwrap()
}

/// What a command printed; it must have succeeded.
pub(crate) fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command complained about; it must have failed with this code.
pub(crate) fn complaint(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
