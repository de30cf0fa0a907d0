//! Contentful's filter JSON read into the core's filters.

use bellwire_core::filter::{CONTENTFUL_DOCS, Filter, Test, Value as FilterValue};
use bellwire_core::limits::{
    ATTRIBUTE_VALUE_BYTES_MAX, FILTER_VALUES_MAX, FILTERS_PER_WEBHOOK_MAX, REGEXP_BYTES_MAX,
};
use serde_json::{Map, Value};

use super::regexps::compile_regexp;
use crate::store::record::WebhookRecord;

/// One filter of a definition, owning its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterSpec {
    negated: bool,
    doc: String,
    test: TestSpec,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TestSpec {
    Equals(String),
    In(Vec<String>),
    Regexp { pattern: String, dfa: Vec<u8> },
}

impl FilterSpec {
    /// The filter as the core takes it. `values` lends the room for the words of an `in`.
    pub fn as_filter<'a>(&'a self, values: &'a mut Vec<FilterValue<'a>>) -> Filter<'a> {
        let test = match &self.test {
            TestSpec::Equals(value) => Test::Equals(FilterValue::Text(value)),
            TestSpec::Regexp { pattern, .. } => Test::Regexp(pattern),
            TestSpec::In(words) => {
                values.extend(words.iter().map(|word| FilterValue::Text(word)));
                Test::In(values)
            }
        };
        Filter { negated: self.negated, doc: &self.doc, test }
    }

    /// The pattern and the automaton of a regexp.
    pub fn regexp(&self) -> Option<(&str, &[u8])> {
        match &self.test {
            TestSpec::Regexp { pattern, dfa } => Some((pattern, dfa)),
            _ => None,
        }
    }
}

/// Reads the filters of a stored definition.
///
/// # Errors
/// A sentence that says what is not understood.
pub fn stored_filters(webhook: &WebhookRecord) -> Result<Vec<FilterSpec>, String> {
    let Some(json) = &webhook.filters_json else { return Ok(Vec::new()) };
    let value: Value = serde_json::from_str(json).map_err(|cause| cause.to_string())?;
    parse_filters(&value)
}

/// Reads the `filters` member of a definition: an array of filters, all of which must hold.
///
/// # Errors
/// A sentence that names the filter, counted from 0, and what is wrong with it.
pub fn parse_filters(json: &Value) -> Result<Vec<FilterSpec>, String> {
    let items = json.as_array().ok_or("filters must be an array or null")?;
    if items.len() > FILTERS_PER_WEBHOOK_MAX {
        return Err(format!("a webhook has at most {FILTERS_PER_WEBHOOK_MAX} filters"));
    }
    let parse = |(number, item)| parse_filter(item).map_err(|problem| format!("filter {number}: {problem}"));
    items.iter().enumerate().map(parse).collect()
}

fn parse_filter(item: &Value) -> Result<FilterSpec, String> {
    let (operator, operands) = only_member(item)?;
    match operator {
        "not" => {
            let (inner, operands) = only_member(operands)?;
            if inner == "not" {
                return Err("not takes equals, in or regexp, not another not".into());
            }
            Ok(FilterSpec { negated: true, ..parse_test(inner, operands)? })
        }
        _ => parse_test(operator, operands),
    }
}

fn only_member(item: &Value) -> Result<(&str, &Value), String> {
    let members = item.as_object().filter(|members| members.len() == 1);
    let (name, value) = members
        .and_then(|members| members.iter().next())
        .ok_or("must be an object with exactly one member: equals, in, regexp or not")?;
    Ok((name, value))
}

fn parse_test(operator: &str, operands: &Value) -> Result<FilterSpec, String> {
    let (doc, operand) = split_operands(operator, operands)?;
    let test = match operator {
        "equals" => TestSpec::Equals(value(operand, "equals compares with a string")?),
        "in" => TestSpec::In(parse_words(operand)?),
        "regexp" => parse_regexp(operand)?,
        _ => return Err(format!("there is no operator {operator:?}: use equals, in, regexp or not")),
    };
    Ok(FilterSpec { negated: false, doc, test })
}

/// The operands come as `[{"doc": …}, operand]`; some clients write them the other way round.
fn split_operands<'a>(operator: &str, operands: &'a Value) -> Result<(String, &'a Value), String> {
    let shape = || format!("{operator} takes two operands: {{\"doc\": …}} and what to compare it with");
    let [first, second] = operands.as_array().map(Vec::as_slice).ok_or_else(shape)? else {
        return Err(shape());
    };
    let doc = |value: &Value| value.as_object().and_then(doc_path);
    let (path, operand) = match (doc(first), doc(second)) {
        (Some(path), _) => (path, second),
        (None, Some(path)) => (path, first),
        (None, None) => return Err(shape()),
    };
    if !CONTENTFUL_DOCS.contains(&path.as_str()) {
        return Err(format!("{path:?} cannot be filtered on: use one of {}", CONTENTFUL_DOCS.join(", ")));
    }
    Ok((path, operand))
}

fn doc_path(members: &Map<String, Value>) -> Option<String> {
    members.get("doc").filter(|_| members.len() == 1)?.as_str().map(str::to_owned)
}

fn parse_words(operand: &Value) -> Result<Vec<String>, String> {
    let words = operand
        .as_array()
        .filter(|words| !words.is_empty())
        .ok_or("in takes a list of at least one string")?;
    if words.len() > FILTER_VALUES_MAX {
        return Err(format!("in takes at most {FILTER_VALUES_MAX} strings"));
    }
    words.iter().map(|word| value(word, "in takes a list of strings")).collect()
}

fn parse_regexp(operand: &Value) -> Result<TestSpec, String> {
    // Another member, such as flags, would ask for what is not done.
    let members = operand.as_object().filter(|members| members.len() == 1);
    let pattern = members
        .and_then(|members| members.get("pattern"))
        .ok_or("regexp takes {\"pattern\": …} and nothing beside it")?;
    let pattern = text(pattern, "a regexp's pattern is a string")?;
    if pattern.len() > REGEXP_BYTES_MAX {
        return Err(format!("a regexp's pattern has at most {REGEXP_BYTES_MAX} bytes"));
    }
    let dfa = compile_regexp(&pattern)?;
    Ok(TestSpec::Regexp { pattern, dfa })
}

fn value(operand: &Value, otherwise: &str) -> Result<String, String> {
    let value = text(operand, otherwise)?;
    if value.len() > ATTRIBUTE_VALUE_BYTES_MAX {
        return Err(format!("a value to compare with has at most {ATTRIBUTE_VALUE_BYTES_MAX} bytes"));
    }
    Ok(value)
}

fn text(value: &Value, otherwise: &str) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| otherwise.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_operator_is_read_in_either_order_of_operands() {
        let filters = json!([
            {"equals": [{"doc": "sys.id"}, "abc"]},
            {"in": [["a", "b"], {"doc": "sys.contentType.sys.id"}]},
            {"not": {"regexp": [{"doc": "sys.environment.sys.id"}, {"pattern": "^qa-"}]}},
        ]);
        let specs = parse_filters(&filters).unwrap();
        let words = ["a", "b"].map(str::to_owned).to_vec();
        assert_eq!(specs[0].test, TestSpec::Equals("abc".into()));
        assert_eq!(specs[1].test, TestSpec::In(words));
        assert_eq!(
            specs[2],
            FilterSpec {
                negated: true,
                doc: "sys.environment.sys.id".into(),
                test: TestSpec::Regexp { pattern: "^qa-".into(), dfa: compile_regexp("^qa-").unwrap() }
            }
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_the_filter_s_number() {
        for (bad, said) in [
            (json!("x"), "filters must be an array"),
            (json!([{}]), "filter 0: must be an object with exactly one member"),
            (json!([{"like": [{"doc": "sys.id"}, "x"]}]), "no operator \"like\""),
            (json!([{"equals": [{"doc": "fields.title"}, "x"]}]), "cannot be filtered on"),
            (json!([{"equals": [{"doc": "sys.id"}, 5]}]), "equals compares with a string"),
            (json!([{"equals": [{"doc": "sys.id"}]}]), "two operands"),
            (json!([{"in": [{"doc": "sys.id"}, []]}]), "at least one string"),
            (json!([{"regexp": [{"doc": "sys.id"}, {"pattern": "("}]}]), "filter 0"),
            (json!([{"regexp": [{"doc": "sys.id"}, {"pattern": "a", "flags": "i"}]}]), "nothing beside it"),
            (json!([{"not": {"not": {"equals": [{"doc": "sys.id"}, "x"]}}}]), "another not"),
        ] {
            let refusal = parse_filters(&bad).unwrap_err();
            assert!(refusal.contains(said), "{bad}: {refusal}");
        }
    }
}
