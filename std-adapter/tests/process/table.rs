//! `bellwire table`: the core's rows of topics and filters through the command, and what it says of tables and mistakes.

use std::path::Path;

use serde_json::{Value, json};

use super::support::{bellwire, complaint, stdout};

fn rows(file: &str, section: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/testdata").join(file);
    let table: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    table[section].as_array().unwrap().clone()
}

/// Runs `bellwire table` and reads what it prints as JSON.
fn table(args: &[&str]) -> Value {
    let output = bellwire(&[&["table"], args, &["--json"]].concat()).output().unwrap();
    serde_json::from_str(&stdout(output)).unwrap()
}

/// The image of definitions.
fn compile(directory: &Path, definitions: &Value) -> String {
    let [source, image] =
        ["webhooks.json", "webhooks.table"].map(|name| directory.join(name).display().to_string());
    std::fs::write(&source, definitions.to_string()).unwrap();
    let said = stdout(bellwire(&["table", "compile", &source, "--output", &image]).output().unwrap());
    let webhooks = definitions.as_array().unwrap().len();
    assert!(said.starts_with(&format!("compiled {webhooks} webhooks into ")), "{said}");
    image
}

/// The arguments that give an event the attributes of a row.
fn attributes(row: &Value) -> Vec<String> {
    let attributes = row["attributes"].as_object().unwrap().iter();
    attributes.flat_map(|(name, value)| ["--attribute".to_owned(), format!("{name}={value}")]).collect()
}

#[test]
fn filters_decide_on_the_command_line_as_in_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let rows = [rows("filters.json", "rows"), rows("filters.json", "edge_rows")].concat();
    let definition = |row: &Value| json!({"topics": row["topics"], "filters": row["filters"]});
    let image = compile(directory.path(), &rows.iter().map(definition).collect());
    for (number, row) in rows.iter().enumerate() {
        let (number_text, attributes) = (number.to_string(), attributes(row));
        let mut args =
            vec!["explain", &image, "--topic", row["topic"].as_str().unwrap(), "--webhook", &number_text];
        args.extend(attributes.iter().map(String::as_str));
        let verdict = &table(&args)["webhooks"][0];
        assert_eq!(verdict["matched"], row["expected"], "{row}");
        assert_eq!(verdict["failedFilter"], *row.get("failed").unwrap_or(&Value::Null), "{row}");
    }
}

#[test]
fn topics_decide_on_the_command_line_as_in_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let rows = rows("topics.json", "matches");
    let definition = |row: &Value| json!({"topics": [row["pattern"]]});
    let image = compile(directory.path(), &rows.iter().map(definition).collect());
    for (number, row) in rows.iter().enumerate() {
        let found = table(&["match", &image, "--topic", row["topic"].as_str().unwrap()]);
        let matched = found["webhooks"].as_array().unwrap().iter().any(|webhook| webhook["number"] == number);
        assert_eq!(json!(matched), row["expected"], "{row}");
    }
}

#[test]
fn texts_that_are_no_topics_are_refused_on_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("webhooks.json");
    for row in rows("topics.json", "refused_patterns") {
        std::fs::write(&source, json!({"topics": [row["text"]]}).to_string()).unwrap();
        let said = complaint(&bellwire(&["table", "inspect"]).arg(&source).output().unwrap(), 1);
        assert!(said.contains(row["message"].as_str().unwrap()), "{row}: {said}");
    }
    std::fs::write(&source, "[]").unwrap();
    for row in rows("topics.json", "refused_topics") {
        let topic = format!("--topic={}", row["text"].as_str().unwrap());
        if topic.contains('\0') {
            continue; // No argument of a process can hold it.
        }
        let said = complaint(&bellwire(&["table", "match", &topic]).arg(&source).output().unwrap(), 1);
        assert!(said.contains(row["message"].as_str().unwrap()), "{row}: {said}");
    }
}

#[test]
fn a_table_is_described_and_tried_by_id() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("webhooks.json");
    let definitions = json!({"sys": {"type": "Array"}, "items": [
        {"sys": {"id": "off"}, "topics": ["*.*"], "active": false},
        {"sys": {"id": "search"}, "topics": ["Entry.*"], "filters": [
            {"equals": [{"doc": "sys.environment.sys.id"}, "master"]},
            {"regexp": [{"doc": "sys.id"}, {"pattern": "^a"}]},
        ]},
        {"sys": {"id": "press"}, "topics": ["site.*.press.**"], "filters": [{"gt": [{"doc": "celsius"}, 80]}]},
    ]});
    std::fs::write(&source, definitions.to_string()).unwrap();
    let source = source.to_str().unwrap();
    let payload = directory.path().join("entry.json");
    std::fs::write(&payload, r#"{"sys": {"id": "b", "environment": {"sys": {"id": "staging"}}}}"#).unwrap();
    let payload = payload.to_str().unwrap();
    let said = |args: &[&str]| stdout(bellwire(&[&["table"], args].concat()).output().unwrap());

    let inspected = said(&["inspect", source]);
    assert!(inspected.contains("the feature regexp: 1 automata of "), "{inspected}");
    let inspected = table(&["inspect", source]);
    assert_eq!((&inspected["webhooks"], &inspected["attributes"]), (&json!(2), &json!(3)));
    assert_eq!(
        said(&["match", source, "--topic", "site.a.press.x", "--attribute", "celsius=81"]),
        "NUMBER  WEBHOOK\n2       press\n"
    );
    assert_eq!(said(&["match", source, "--topic", "Asset.publish"]), "none of 2 webhooks wants this event\n");
    let why = said(&["explain", source, "--topic", "Entry.publish", payload]);
    assert!(
        why.contains(
            "1       search   no       filter 0: sys.environment.sys.id is \"staging\", wanted \"master\""
        ),
        "{why}"
    );
    let why = said(&[
        "explain",
        source,
        "--topic",
        "Entry.publish",
        "--environment",
        "master",
        "--webhook",
        "search",
        payload,
    ]);
    assert!(why.contains("filter 1: sys.id is \"b\", wanted a text that has a match of \"^a\""), "{why}");
    let given = [
        "explain",
        source,
        "--topic",
        "Entry.publish",
        "--environment",
        "master",
        "--attribute",
        "sys.id=ab",
        payload,
    ];
    assert!(said(&given).contains("1       search   yes      Entry.* takes the topic in"));
}

#[test]
fn what_is_no_table_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let image = compile(directory.path(), &json!([{"topics": ["Entry.publish"]}]));
    let mut damaged = std::fs::read(&image).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    let filter = |filter: Value| json!({"topics": ["*.*"], "filters": [filter]}).to_string().into_bytes();
    for (bytes, said) in [
        (b"{".to_vec(), "neither the image of a table nor JSON"),
        (b"5".to_vec(), "a definition is a JSON object"),
        (b"[{}]".to_vec(), "webhook 0: topics must be an array of strings"),
        (br#"{"topics": [], "sys": {"id": "x"}}"#.to_vec(), "the webhook x does not fit"),
        (br#"{"topics": ["*.*"], "active": 1}"#.to_vec(), "active must be true or false"),
        (
            filter(json!({"regexp": [{"doc": "a"}, {"pattern": "("}]})),
            "webhook 0: filter 0: the regexp is not understood",
        ),
        (damaged, "the match table is damaged: its checksum is wrong"),
        (b"BWMT".to_vec(), "too few bytes for a match table"),
    ] {
        let file = directory.path().join("bad");
        std::fs::write(&file, bytes).unwrap();
        let complained = complaint(&bellwire(&["table", "inspect"]).arg(&file).output().unwrap(), 1);
        assert!(complained.contains(said), "{complained}");
    }
    for (args, code, said) in [
        (vec!["inspect", "/nowhere"], 1, "cannot read /nowhere"),
        (vec!["match", &image, "--topic", "Entry"], 1, "\"Entry\" is not a topic"),
        (vec!["match", &image, "--topic", "Entry.publish", "--attribute", "=1"], 2, "NAME=VALUE is needed"),
        (vec!["explain", &image, "--topic", "Entry.publish", "--webhook", "7"], 1, "holds no webhook \"7\""),
    ] {
        let complained = complaint(&bellwire(&[vec!["table"], args].concat()).output().unwrap(), code);
        assert!(complained.contains(said), "{complained}");
    }
}
