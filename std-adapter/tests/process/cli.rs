//! The command: settings, first start, the commands that act through a server, demo, help.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};

use super::support::{ADMIN, Process, bellwire, complaint, run, stdout};

#[test]
fn the_first_start_makes_a_token_and_shows_it_once() {
    let data = tempfile::tempdir().unwrap();
    let serve = || {
        let mut command = bellwire(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(data.path());
        command
    };
    let mut first = Process::start(serve());
    let token = loop {
        let line = first.line();
        if line.trim().starts_with("bw_") {
            break line.trim().to_owned();
        }
    };
    let spaces = bellwire(&["space", "create", "blog", "--url", &first.url()])
        .env("BELLWIRE_TOKEN", &token)
        .output()
        .unwrap();
    assert!(stdout(spaces).contains("made the space blog"));
    assert_eq!(first.terminate().0, Some(0));
    let second = Process::start(serve());
    let list =
        bellwire(&["space", "list", "--url", &second.url()]).env("BELLWIRE_TOKEN", &token).output().unwrap();
    assert!(stdout(list).contains("blog"));
    let (code, rest) = second.terminate();
    assert_eq!((code, rest.contains("bw_")), (Some(0), false));
    let holds_token =
        |path: std::path::PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains(&token);
    assert!(!files(data.path()).into_iter().any(holds_token), "the token's text is on the disk");
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_flag_beats_the_environment_beats_the_file() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("bellwire.toml");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::write(
        &config,
        format!("listen = \"{address}\"\ndata = \"{}\"\nlog = \"off\"", data.path().join("d").display()),
    )
    .unwrap();
    let serve = |args: &[&str]| {
        let mut command = bellwire(&["serve", "--config"]);
        command.arg(&config).args(args);
        command
    };
    let said = complaint(&serve(&[]).output().unwrap(), 1);
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    let mut by_environment = serve(&[]);
    by_environment.env("BELLWIRE_LISTEN", "127.0.0.1:0");
    Process::start(by_environment).kill();
    let mut by_flag = serve(&["--listen", "127.0.0.1:0"]);
    by_flag.env("BELLWIRE_LISTEN", &address);
    Process::start(by_flag).kill();
}

#[test]
fn settings_that_are_wrong_are_named() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("bellwire.toml");
    std::fs::write(&config, "colour = 'red'").unwrap();
    let config = config.to_str().unwrap();
    for (args, code, said) in [
        (vec!["serve", "--config", config], 1, "colour"),
        (
            vec!["serve", "--config", "/nowhere/bellwire.toml"],
            1,
            "cannot read the configuration file /nowhere/bellwire.toml",
        ),
        (vec!["serve", "--retry-delay", "soon"], 2, "'soon' is not a length of time"),
        (vec!["serve", "--concurrency", "0"], 1, "concurrency must lie between"),
        (vec!["serve", "--admin-token", "short"], 1, "at least 16 characters"),
        (vec!["serve", "--log", "loud=very"], 1, "no set of log levels"),
        (vec!["serve", "--data", config], 1, "not a directory"),
        (vec!["space", "list"], 1, "an access token is needed"),
        (
            vec!["space", "list", "--token", "t", "--url", "http://127.0.0.1:1"],
            1,
            "no answer from http://127.0.0.1:1",
        ),
        (vec!["nonsense"], 2, "unrecognized subcommand"),
    ] {
        let said_really = complaint(&run(&args, None), code);
        assert!(said_really.contains(said), "{args:?}: {said_really}");
        assert!(!said_really.contains("panicked"), "{said_really}");
    }
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let data = tempfile::tempdir().unwrap();
    let _first = Process::serve(data.path(), &[]);
    let mut second = bellwire(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let said = complaint(&second.arg(data.path()).output().unwrap(), 1);
    assert!(
        said.contains(data.path().to_str().unwrap()) && said.contains("another server is using"),
        "{said}"
    );
}

#[test]
fn people_can_do_it_all_from_the_command_line() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path(), &["--retry-delay", "50ms"]);
    let mut listen = bellwire(&["listen", "--port", "0", "--json", "--secret", &"s".repeat(64)]);
    listen.stderr(Stdio::inherit());
    let mut endpoint = Process::start(listen);

    assert!(stdout(run(&["space", "list"], Some(&server))).contains("no spaces yet"));
    stdout(run(&["space", "create", "blog", "--name", "The blog"], Some(&server)));
    assert!(stdout(run(&["space", "list"], Some(&server))).contains("The blog"));
    let token = stdout(run(&["token", "create", "--space", "blog", "--role", "publish"], Some(&server)));
    let listed = stdout(run(&["token", "list", "--space", "blog", "--json"], Some(&server)));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["items"][0]["role"], "publish");

    let secret = json!({"value": "s".repeat(64)}).to_string();
    server.ok("PUT", "/spaces/blog/webhook_settings/signing_secret", &secret);
    let definition =
        json!({"name": "w", "url": format!("http://{}/x", endpoint.address), "topics": ["Entry.*"]})
            .to_string();
    server.ok("PUT", "/spaces/blog/webhook_definitions/w", &definition);

    let mut publish = bellwire(&[
        "publish",
        "--space",
        "blog",
        "--topic",
        "Entry.publish",
        "--url",
        &server.url(),
        "--key",
        "k",
    ]);
    let mut child = publish.env("BELLWIRE_TOKEN", token.trim()).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"sys\":{\"id\":\"from-stdin\"}}").unwrap();
    let said = stdout(child.wait_with_output().unwrap());
    assert!(said.contains("accepted event") && said.contains("goes to w"), "{said}");
    let call: Value = serde_json::from_str(&endpoint.line()).unwrap();
    assert_eq!(
        (&call["method"], &call["path"], &call["signatureValid"]),
        (&json!("POST"), &json!("/x"), &json!(true))
    );
    assert_eq!(call["body"], "{\"sys\":{\"id\":\"from-stdin\"}}");

    let file = data.path().join("events.ndjson");
    std::fs::write(&file, "{\"topic\":\"Asset.save\",\"payload\":{}}\n{\"topic\":\"?\",\"payload\":{}}\n")
        .unwrap();
    let output = run(&["publish", "--space", "blog", "--lines", file.to_str().unwrap()], Some(&server));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("no webhook asked for it") && said.contains("refused event 2"), "{said}");
    assert!(complaint(&output, 1).contains("1 of 2 events were refused"));
    std::fs::write(&file, "{\"topic\":\"?\",\"payload\":{}}\n").unwrap();
    let output = run(&["publish", "--space", "blog", "--lines", file.to_str().unwrap()], Some(&server));
    assert!(complaint(&output, 1).contains("1 of 1 events were refused"));

    let calls = loop {
        let calls = stdout(run(&["calls", "w", "--space", "blog", "--json"], Some(&server)));
        if !calls.is_empty() {
            break calls;
        }
    };
    let call: Value = serde_json::from_str(calls.lines().next().unwrap()).unwrap();
    assert_eq!(call["statusCode"], 200);
    let id = call["sys"]["id"].as_str().unwrap();
    assert!(stdout(run(&["calls", "w", "--space", "blog"], Some(&server))).contains(id));
    assert!(
        stdout(run(&["calls", "w", "--space", "blog", "--call", id], Some(&server)))
            .contains("X-Contentful-Signature")
    );
    let missing = complaint(&run(&["calls", "nope", "--space", "blog"], Some(&server)), 1);
    assert!(missing.contains("404"), "{missing}");

    let token_id = listed["items"][0]["sys"]["id"].as_str().unwrap();
    stdout(run(&["token", "revoke", "--space", "blog", token_id], Some(&server)));
    let refused = bellwire(&["space", "list", "--url", &server.url()])
        .env("BELLWIRE_TOKEN", token.trim())
        .output()
        .unwrap();
    assert!(complaint(&refused, 1).contains("401"));
    assert_eq!(endpoint.terminate().0, Some(0));
    assert_eq!(server.terminate().0, Some(0));
}

#[test]
fn calls_are_followed_as_they_are_made() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path(), &[]);
    server.ok("PUT", "/spaces/s", "{\"name\":\"s\"}");
    server.ok(
        "PUT",
        "/spaces/s/webhook_definitions/w",
        "{\"name\":\"w\",\"url\":\"http://127.0.0.1:9/\",\"topics\":[\"*.*\"]}",
    );
    let mut follow = bellwire(&["calls", "w", "--space", "s", "--follow", "--json", "--url", &server.url()]);
    let mut child = follow.env("BELLWIRE_TOKEN", ADMIN).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for topic in ["Entry.publish", "Asset.save"] {
        let (status, _) =
            server.send("POST", "/spaces/s/events", &[("X-Contentful-Topic", topic)], "{}").unwrap();
        assert_eq!(status, 202);
        let call: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&call["topic"], &call["errors"]), (&json!(topic), &json!(["ConnectionError"])));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_stopping_server_lets_the_attempt_under_way_end() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Process::serve(data.path(), &[]);
    server.ok("PUT", "/spaces/s", "{\"name\":\"s\"}");
    let definition =
        json!({"name": "w", "url": format!("http://{}/", listener.local_addr().unwrap()), "topics": ["*.*"]});
    server.ok("PUT", "/spaces/s/webhook_definitions/w", &definition.to_string());
    server.send("POST", "/spaces/s/events", &[("X-Contentful-Topic", "Entry.publish")], "{}").unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while !request.ends_with("\r\n\r\n") {
        reader.read_line(&mut request).unwrap();
    }
    let ending = std::thread::spawn(move || server.terminate());
    // It waits for this answer: the stop comes before it, the exit after it.
    stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert_eq!(ending.join().unwrap().0, Some(0));
    let again = Process::serve(data.path(), &[]);
    let calls = again.ok("GET", "/spaces/s/webhooks/w/calls", "");
    assert_eq!((&calls["total"], &calls["items"][0]["statusCode"]), (&json!(1), &json!(201)));
}

#[test]
fn everything_is_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Process::serve(data.path(), &[]);
    server.ok("PUT", "/spaces/s", "{\"name\":\"s\"}");
    server.ok("PUT", "/spaces/s/webhook_settings/retry_policy", "{\"maxRetries\":7}");
    server.ok(
        "PUT",
        "/spaces/s/webhook_settings/signing_secret",
        &json!({"value": "k".repeat(64)}).to_string(),
    );
    let definition = json!({
        "name": "w", "url": "http://127.0.0.1:9/{ /payload/x }", "topics": ["Entry.*"], "active": false,
        "filters": [{"not": {"in": [{"doc": "sys.id"}, ["a", "b"]]}}],
        "headers": [{"key": "X-Key", "value": "v", "secret": true}],
        "transformation": {"method": "PUT", "body": {"b": "NUMBER", "a": [null]}},
    });
    // Written as text, so that the number keeps its digits on the way to the server.
    let definition = definition.to_string().replace("\"NUMBER\"", "1.50");
    let before = server.ok("PUT", "/spaces/s/webhook_definitions/w", &definition);
    server.kill();
    let server = Process::serve(data.path(), &[]);
    assert_eq!(server.ok("GET", "/spaces/s/webhook_definitions/w", ""), before);
    assert_eq!(
        before["transformation"].to_string(),
        "{\"method\":\"PUT\",\"body\":{\"b\":1.50,\"a\":[null]}}"
    );
    assert_eq!(server.ok("GET", "/spaces/s/webhook_settings/retry_policy", "")["maxRetries"], 7);
    assert_eq!(server.ok("GET", "/spaces/s/webhook_settings/signing_secret", "")["redactedValue"], "kkkk");
}

#[test]
fn the_demo_tells_its_story_and_ends() {
    let told = stdout(run(&["demo", "--exit", "--retry-delay", "50ms", "--listen", "127.0.0.1:0"], None));
    for part in [
        "its topic *.publish takes in Entry.publish",
        "none of its topics takes in Entry.save",
        "none of its topics takes in Entry.delete",
        "sys.environment.sys.id is \"staging\", wanted [\"master\"]",
        "attempt 2: the endpoint answered 503; it will be tried again",
        "attempt 3: the endpoint checked the signature and answered 200",
        "Health: 4 of 6 calls were answered with 2xx.",
    ] {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
}

#[test]
fn the_demo_takes_a_free_port_when_its_own_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = stdout(run(&["demo", "--exit", "--retry-delay", "20ms", "--listen", &address], None));
    assert!(told.contains("Health: 4 of 6") && !told.contains(&address), "{told}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child =
        bellwire(&["demo", "--exit", "--retry-delay", "20ms", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_look_into_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let _server = Process::serve(&data, &[]);
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn help_teaches_and_completions_complete() {
    let help = stdout(run(&["--help"], None));
    assert!(help.contains("Begin here:") && help.contains("bellwire demo"), "{help}");
    for command in ["serve", "demo", "listen", "publish", "calls", "space", "token", "completions"] {
        assert!(help.contains(command), "{command}");
        assert!(!stdout(run(&[command, "--help"], None)).is_empty());
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(run(&["completions", shell], None)).contains("bellwire"));
    }
}

#[test]
fn asked_twice_the_server_stops_without_waiting() {
    let data = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = Process::serve(data.path(), &["--drain", "10m"]);
    server.ok("PUT", "/spaces/s", "{\"name\":\"s\"}");
    let definition = format!(
        "{{\"name\":\"w\",\"url\":\"http://{}/\",\"topics\":[\"*.*\"]}}",
        silent.local_addr().unwrap()
    );
    server.ok("PUT", "/spaces/s/webhook_definitions/w", &definition);
    let topic = [("X-Contentful-Topic", "Entry.publish")];
    assert_eq!(server.send("POST", "/spaces/s/events", &topic, "{}").unwrap().0, 202);
    let _attempt = silent.accept().unwrap();
    // The process ends only by the second signal: the attempt has more time than the test.
    while server.child.try_wait().unwrap().is_none() {
        server.signal("TERM");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_body_far_beyond_the_limit_is_answered_and_not_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::serve(data.path(), &[]);
    server.ok("PUT", "/spaces/s", "{\"name\":\"s\"}");
    let topic = [("X-Contentful-Topic", "Entry.publish")];
    let (status, body) = server.send("POST", "/spaces/s/events", &topic, &"x".repeat(20_000_000)).unwrap();
    assert_eq!((status, body["sys"]["id"].as_str()), (413, Some("PayloadTooLarge")));
}

#[test]
fn the_printed_link_leads_into_the_web_app_once() {
    let data = tempfile::tempdir().unwrap();
    let mut command = bellwire(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data.path()).env("BELLWIRE_ADMIN_TOKEN", ADMIN);
    let mut server = Process::start(command);
    let line = server.line();
    let (_, link) = line.trim().split_once("within ten minutes: ").expect("a line with the link");
    assert!(link.starts_with(&format!("{}/app/enter/", server.url())), "{link}");
    let follow = || {
        let (address, path) = link.trim_start_matches("http://").split_once('/').unwrap();
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        write!(socket, "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        std::io::read_to_string(socket).unwrap()
    };
    let first = follow();
    assert!(first.starts_with("HTTP/1.1 200") && first.contains("set-cookie: bellwire_session="), "{first}");
    assert!(follow().starts_with("HTTP/1.1 401"));
}
