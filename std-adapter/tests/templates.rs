//! Templates, forms and transformations, row by row: `testdata/templates.json`.

use bellwire::net::AddressPolicy;
use bellwire::transform::{
    CONTENT_TYPE_DEFAULT, CONTENT_TYPES, METHODS, RENDERED_BYTES_MAX, RenderError, Scope, TEMPLATE_DEPTH_MAX,
    Transformation, check_url_template, form_encode, has_pointers, render_header, render_text, render_url,
    render_value,
};
use hyper::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

fn data() -> Value {
    serde_json::from_str(include_str!("../testdata/templates.json")).expect("the rows are JSON")
}

fn scope_of(data: &Value) -> Scope<'_> {
    let scope = &data["scope"];
    let topic = scope["topic"].as_str().unwrap();
    Scope { payload: scope["payload"].clone(), topic, user: scope["user"].clone() }
}

/// What a row's template gives: the output, or the name of the error.
fn outcome(row: &Value, scope: &Scope<'_>) -> Result<Value, String> {
    let template = &row["template"];
    let text = template.as_str().unwrap_or_default();
    let name = |error: RenderError| format!("{error:?}");
    match row["kind"].as_str().unwrap() {
        "text" => render_text(text, scope).map(Value::from).map_err(name),
        "header" => render_header(text, scope).map(Value::from).map_err(name),
        "url" => render_url(text, scope).map(Value::from).map_err(name),
        "value" => render_value(template, scope).map_err(name),
        "form" => form_encode(template).map(Value::from).map_err(name),
        "check_url" => Ok(refusal(text)),
        kind => panic!("no such kind of row: {kind}"),
    }
}

/// The name of the refusal of a URL template, or null.
fn refusal(template: &str) -> Value {
    let error = check_url_template(template, AddressPolicy::PublicOnly).err();
    error.map_or(Value::Null, |error| format!("{error:?}").split('(').next().unwrap().into())
}

#[test]
fn every_row_gives_its_output() {
    let data = data();
    let scope = scope_of(&data);
    for row in data["rows"].as_array().unwrap() {
        let expected = match row.get("error") {
            Some(error) => Err(error.as_str().unwrap().to_owned()),
            None => Ok(row["output"].clone()),
        };
        let outcome = outcome(row, &scope);
        assert_eq!(outcome, expected, "{row}");
        // Numbers are equal only if their digits are: compare the texts as well.
        assert_eq!(outcome.map(|value| value.to_string()), expected.map(|value| value.to_string()), "{row}");
    }
}

#[test]
fn a_short_template_cannot_fill_the_memory() {
    let payload = json!({"long": "x".repeat(RENDERED_BYTES_MAX / 4)});
    let scope = Scope { payload, topic: "Entry.publish", user: Value::Null };
    let whole = "{ /payload }".repeat(10_000);
    assert_eq!(render_text(&whole, &scope), Err(RenderError::TooLong));
    assert_eq!(render_url(&format!("https://example.com/{whole}"), &scope), Err(RenderError::TooLong));
    assert_eq!(render_value(&json!(vec!["{ /payload }"; 10_000]), &scope), Err(RenderError::TooLong));
    assert_eq!(render_value(&json!(vec!["a{ /payload }"; 10_000]), &scope), Err(RenderError::TooLong));
    assert!(render_value(&json!(vec!["{ /payload }"; 3]), &scope).is_ok());
}

#[test]
fn the_limit_of_a_text_is_exact() {
    let scope = Scope { payload: json!("xy"), topic: "", user: Value::Null };
    let longest = "a".repeat(RENDERED_BYTES_MAX - 2) + "{ /payload }";
    assert_eq!(render_text(&longest, &scope).map(|text| text.len()), Ok(RENDERED_BYTES_MAX));
    assert_eq!(render_text(&format!("a{longest}"), &scope), Err(RenderError::TooLong));
}

#[test]
fn a_long_name_over_many_values_cannot_fill_the_memory() {
    let value = json!({"n".repeat(RENDERED_BYTES_MAX / 2): vec![0; 100_000]});
    assert_eq!(form_encode(&value), Err(RenderError::TooLong));
}

/// An array in an array in an array…
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("{ /topic }"), |inner, _| json!([inner]))
}

#[test]
fn a_deep_template_is_refused_when_read_and_when_filled_in() {
    let scope = Scope { payload: Value::Null, topic: "t", user: Value::Null };
    let (deepest, deeper) = (nested(TEMPLATE_DEPTH_MAX), nested(TEMPLATE_DEPTH_MAX + 1));
    assert!(render_value(&deepest, &scope).is_ok());
    assert_eq!(render_value(&deeper, &scope), Err(RenderError::TooDeep));
    assert!(Transformation::from_json(&json!({"body": deepest})).is_ok());
    let problems = Transformation::from_json(&json!({"body": deeper})).unwrap_err();
    assert_eq!((problems[0].name, problems[0].path.as_str()), ("size", "transformation.body"));
}

#[test]
fn a_transformation_comes_back_as_it_was_given_without_nulls() {
    for (given, echoed) in [
        (json!(null), json!({})),
        (json!({}), json!({})),
        (json!({"method": null, "contentType": null, "includeContentLength": null, "body": null}), json!({})),
        (json!({"method": "PATCH", "more": 1}), json!({"method": "PATCH"})),
        (json!({"includeContentLength": false}), json!({"includeContentLength": false})),
        (json!({"body": {"a": [null, 1]}}), json!({"body": {"a": [null, 1]}})),
        (json!({"body": ""}), json!({"body": ""})),
    ] {
        assert_eq!(Transformation::from_json(&given).unwrap().to_json(), echoed);
    }
    for content_type in CONTENT_TYPES {
        let given = json!({"contentType": content_type});
        assert_eq!(Transformation::from_json(&given).unwrap().to_json(), given);
    }
    for method in METHODS {
        assert_eq!(Transformation::from_json(&json!({"method": method.as_str()})).unwrap().method(), method);
    }
}

#[test]
fn everything_wrong_with_a_transformation_is_named() {
    let given = json!({
        "method": "post", "contentType": "text/plain", "includeContentLength": "yes", "body": 1
    });
    let problems = Transformation::from_json(&given).unwrap_err();
    let named: Vec<_> = problems.iter().map(|problem| (problem.path.as_str(), problem.name)).collect();
    assert_eq!(
        named,
        [
            ("transformation.method", "in"),
            ("transformation.contentType", "in"),
            ("transformation.includeContentLength", "type")
        ]
    );
    assert_eq!(problems[0].value, Some(json!("post")));
    assert!(problems[0].details.contains("POST"));
    for given in [json!([]), json!("POST"), json!(true), json!(0)] {
        assert_eq!(Transformation::from_json(&given).unwrap_err()[0].path, "transformation");
    }
    for method in [json!("OPTIONS"), json!("HEAD"), json!(""), json!(1)] {
        assert!(Transformation::from_json(&json!({"method": method})).is_err());
    }
}

/// The body that `transformation` makes of `payload`, with its content type.
fn body_of(transformation: Value, payload: &str) -> (Option<String>, String) {
    let scope =
        Scope { payload: serde_json::from_str(payload).unwrap(), topic: "Entry.publish", user: Value::Null };
    let transformation = Transformation::from_json(&transformation).unwrap();
    let rendered = transformation.render_body(payload.as_bytes(), &scope).unwrap();
    (rendered.bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()), rendered.content_type)
}

#[test]
fn bodies_follow_method_content_type_and_template() {
    let payload = "{ \"n\": 1.50,\n \"a\": [12345678901234567890.0] }";
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    for (transformation, body, content_type) in [
        (json!({}), Some(payload), CONTENT_TYPE_DEFAULT),
        (json!({"contentType": "application/json"}), Some(payload), "application/json"),
        (json!({"contentType": form}), Some("n=1.50&a%5B0%5D=12345678901234567890.0"), form),
        (json!({"contentType": form, "body": {"x": "{ /payload/n }"}}), Some("x=1.50"), form),
        (
            json!({"body": {"x": "{ /payload }"}}),
            Some("{\"x\":{\"n\":1.50,\"a\":[12345678901234567890.0]}}"),
            CONTENT_TYPE_DEFAULT,
        ),
        (json!({"body": "n is { /payload/n }"}), Some("\"n is 1.50\""), CONTENT_TYPE_DEFAULT),
        (json!({"method": "PUT", "body": 5}), Some("5"), CONTENT_TYPE_DEFAULT),
        (json!({"method": "GET", "body": {"x": 1}}), None, CONTENT_TYPE_DEFAULT),
        (json!({"method": "DELETE", "contentType": form}), None, form),
    ] {
        let expected = (body.map(str::to_owned), content_type.to_owned());
        assert_eq!(body_of(transformation.clone(), payload), expected, "{transformation}");
    }
}

#[test]
fn a_payload_need_not_be_parsed_when_nothing_reads_it() {
    for (transformation, reads) in [
        (json!({}), false),
        (json!({"contentType": "application/json"}), false),
        (json!({"body": 1}), true),
        (json!({"contentType": "application/x-www-form-urlencoded"}), true),
        (json!({"method": "GET", "body": "{ /payload }"}), false),
    ] {
        let transformation = Transformation::from_json(&transformation).unwrap();
        assert_eq!(transformation.body_reads_scope(), reads, "{transformation:?}");
    }
    assert_eq!(Transformation::default().method(), Method::POST);
}

fn scope() -> Scope<'static> {
    let payload = json!({"id": "a/b", "list": [1, {"x": "{ /topic }"}], "n": null});
    Scope { payload, topic: "ContentManagement.Entry.publish", user: json!({"sys": {"id": "u"}}) }
}

/// Texts full of braces, slashes and pointers, whole and broken.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[{}/ \t~a0é]{0,6}",
        Just("{ /payload/id }".to_owned()),
        Just("{/payload/list/1}".to_owned()),
        Just("{ /topic".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Pointers filled in the slow way: the first brace pair with a pointer, then the rest.
fn filled_slowly(template: &str, scope: &Scope<'_>) -> String {
    let pattern = regex::Regex::new(r"\{[ \t]*(/[^{}]*?)[ \t]*\}").unwrap();
    let at = |pointer: &str| {
        let whole = json!({"payload": scope.payload, "topic": scope.topic, "user": scope.user});
        match whole.pointer(pointer) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        }
    };
    pattern.replace_all(template, |found: &regex::Captures<'_>| at(&found[1])).into_owned()
}

proptest! {
    #[test]
    fn texts_agree_with_the_obvious_version(template in template()) {
        let scope = scope();
        prop_assert_eq!(render_text(&template, &scope).unwrap(), filled_slowly(&template, &scope));
    }

    #[test]
    fn a_template_without_pointers_stays_as_it_is(text in any::<String>(), braced in "[{} a]{0,12}") {
        let scope = scope();
        for text in [text, braced] {
            if !has_pointers(&text) {
                prop_assert_eq!(render_text(&text, &scope).unwrap(), text.clone());
                prop_assert_eq!(render_header(&text, &scope).unwrap(), text.clone());
                prop_assert_eq!(render_url(&text, &scope).unwrap(), text.clone());
                prop_assert_eq!(render_value(&json!(text), &scope).unwrap(), json!(text));
            }
        }
    }

    #[test]
    fn what_is_put_into_a_url_stays_in_its_place(value in any::<String>()) {
        let scope = Scope { payload: json!(value), topic: "", user: Value::Null };
        let template = "https://example.com/in/{ /payload }/x?q={ /payload }";
        if let Ok(rendered) = render_url(template, &scope) {
            let url = url::Url::parse(&rendered).unwrap();
            prop_assert_eq!(url.host_str(), Some("example.com"));
            prop_assert_eq!(url.path_segments().unwrap().count(), 3);
            let pairs: Vec<_> = url.query_pairs().collect();
            prop_assert_eq!(pairs, [("q".into(), value.into())]);
            prop_assert_eq!(url.fragment(), None);
        }
    }

    #[test]
    fn no_template_panics_in_any_place(template in template()) {
        let scope = scope();
        let _ = render_header(&template, &scope);
        let _ = render_url(&template, &scope);
        let _ = render_value(&json!({"a": [template.clone()]}), &scope);
        let _ = form_encode(&json!({template.clone(): [template.clone()]}));
        let _ = check_url_template(&template, AddressPolicy::PublicOnly);
        let _ = check_url_template(&format!("https://example.com/{template}"), AddressPolicy::PublicOnly);
        let _ = Transformation::from_json(&json!({"method": template, "body": [template]}));
    }
}
