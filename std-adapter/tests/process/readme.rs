//! The README's commands, run as they are printed, against a server of the test's own.

use std::path::Path;
use std::process::{Command, Stdio};

use super::support::{ADMIN, Process};

/// The shell commands of the README that call the API.
fn curl_commands() -> String {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.filter(|block| block.contains("curl ")).collect()
}

fn has_curl() -> bool {
    Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn the_curl_commands_work_as_printed() {
    if !has_curl() {
        assert!(std::env::var_os("CI").is_none(), "curl is missing: apt-get install curl");
        eprintln!("SKIPPED: the README's commands need curl, and it is missing here");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path(), &[]);
    let commands = curl_commands();
    assert_eq!(commands.matches("curl -X").count(), 3, "{commands}");
    let commands = commands.replace("127.0.0.1:8080", &server.address.to_string()).replace("bw_…", ADMIN);
    // The same curl, only that an error of the server ends the script.
    let script = format!("set -e\ncurl() {{ command curl -sS --fail-with-body \"$@\"; }}\n{commands}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("\"type\":\"WebhookDefinition\"") && said.contains("\"type\":\"Event\""), "{said}");
    let webhooks = server.ok("GET", "/spaces/blog/webhook_definitions", "");
    let id = webhooks["items"][0]["sys"]["id"].as_str().unwrap();
    assert!(said.matches(id).count() >= 2, "the event does not name the webhook it goes to: {said}");
}
