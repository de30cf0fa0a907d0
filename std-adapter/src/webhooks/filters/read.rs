//! Filters as JSON: Contentful's, and with more operators and attributes for tables that run at the edge.

use bellwire_core::filter::CONTENTFUL_DOCS;
use bellwire_core::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, FILTER_VALUES_MAX, FILTERS_PER_WEBHOOK_MAX,
    REGEXP_BYTES_MAX,
};
use serde_json::{Map, Value};

use super::{FilterSpec, TestSpec, ValueSpec};
use crate::store::record::WebhookRecord;
use crate::webhooks::regexps::compile_regexp;

/// What filters may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As Contentful has it: `equals`, `in`, `regexp` and `not`, texts, six attributes.
    Contentful,
    /// Besides that `prefix`, `exists`, `lt`, `lte`, `gt`, `gte` and `range`, integers, booleans, any attribute.
    Edge,
}

impl Dialect {
    fn operators(self) -> &'static str {
        match self {
            Dialect::Contentful => "equals, in, regexp or not",
            Dialect::Edge => "equals, in, prefix, regexp, exists, lt, lte, gt, gte, range or not",
        }
    }

    fn check_operator(self, operator: &str) -> Result<(), String> {
        let known = match operator {
            "equals" | "in" | "regexp" => true,
            "prefix" | "exists" | "lt" | "lte" | "gt" | "gte" | "range" => self == Dialect::Edge,
            _ => false,
        };
        known
            .then_some(())
            .ok_or_else(|| format!("there is no operator {operator:?}: use {}", self.operators()))
    }

    fn check_doc(self, doc: &str) -> Result<(), String> {
        match self {
            Dialect::Contentful if !CONTENTFUL_DOCS.contains(&doc) => {
                Err(format!("{doc:?} cannot be filtered on: use one of {}", CONTENTFUL_DOCS.join(", ")))
            }
            Dialect::Edge if doc.is_empty() || doc.len() > ATTRIBUTE_NAME_BYTES_MAX => {
                Err(format!("the name of an attribute has 1 to {ATTRIBUTE_NAME_BYTES_MAX} bytes"))
            }
            _ => Ok(()),
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
    parse_filters(&value, Dialect::Contentful)
}

/// Reads the `filters` member of a definition: an array of filters, all of which must hold.
///
/// # Errors
/// A sentence that names the filter, counted from 0, and what is wrong with it.
pub fn parse_filters(json: &Value, dialect: Dialect) -> Result<Vec<FilterSpec>, String> {
    let items = json.as_array().ok_or("filters must be an array or null")?;
    if items.len() > FILTERS_PER_WEBHOOK_MAX {
        return Err(format!("a webhook has at most {FILTERS_PER_WEBHOOK_MAX} filters"));
    }
    let parse =
        |(number, item)| parse_filter(item, dialect).map_err(|problem| format!("filter {number}: {problem}"));
    items.iter().enumerate().map(parse).collect()
}

fn parse_filter(item: &Value, dialect: Dialect) -> Result<FilterSpec, String> {
    let (operator, operands) = only_member(item, dialect)?;
    match operator {
        "not" => {
            let (inner, operands) = only_member(operands, dialect)?;
            if inner == "not" {
                return Err("not takes another operator, not another not".into());
            }
            Ok(FilterSpec { negated: true, ..parse_test(inner, operands, dialect)? })
        }
        _ => parse_test(operator, operands, dialect),
    }
}

fn only_member(item: &Value, dialect: Dialect) -> Result<(&str, &Value), String> {
    let members = item.as_object().filter(|members| members.len() == 1);
    let (name, value) = members
        .and_then(|members| members.iter().next())
        .ok_or_else(|| format!("must be an object with exactly one member: {}", dialect.operators()))?;
    Ok((name, value))
}

fn parse_test(operator: &str, operands: &Value, dialect: Dialect) -> Result<FilterSpec, String> {
    dialect.check_operator(operator)?;
    if operator == "exists" {
        return parse_exists(operands, dialect);
    }
    let (doc, operand) = split_operands(operator, operands, dialect)?;
    let test = match operator {
        "equals" => TestSpec::Equals(value(operand, dialect, "equals compares with")?),
        "in" => TestSpec::In(parse_values(operand, dialect)?),
        "regexp" => parse_regexp(operand)?,
        _ => parse_edge_test(operator, operand)?,
    };
    Ok(FilterSpec { negated: false, doc, test })
}

/// The operators that look into a value.
fn parse_edge_test(operator: &str, operand: &Value) -> Result<TestSpec, String> {
    Ok(match operator {
        "prefix" => TestSpec::Prefix(short_text(operand, "prefix takes a string")?),
        "lt" => TestSpec::Lt(integer(operand, operator)?),
        "lte" => TestSpec::Lte(integer(operand, operator)?),
        "gt" => TestSpec::Gt(integer(operand, operator)?),
        "gte" => TestSpec::Gte(integer(operand, operator)?),
        // None but `range` is left.
        _ => {
            let members = operand.as_object().filter(|members| members.len() == 2);
            let end = |name: &str| members.and_then(|members| members.get(name));
            let (Some(min), Some(max)) = (end("min"), end("max")) else {
                return Err("range takes {\"min\": …, \"max\": …}".into());
            };
            TestSpec::Range { min: integer(min, operator)?, max: integer(max, operator)? }
        }
    })
}

fn parse_exists(operands: &Value, dialect: Dialect) -> Result<FilterSpec, String> {
    let [operand] = operands.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err("exists takes one operand: {\"doc\": …}".into());
    };
    let doc = operand.as_object().and_then(doc_path).ok_or("exists takes one operand: {\"doc\": …}")?;
    dialect.check_doc(&doc)?;
    Ok(FilterSpec { negated: false, doc, test: TestSpec::Exists })
}

/// The operands come as `[{"doc": …}, operand]`; some clients write them the other way round.
fn split_operands<'a>(
    operator: &str,
    operands: &'a Value,
    dialect: Dialect,
) -> Result<(String, &'a Value), String> {
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
    dialect.check_doc(&path)?;
    Ok((path, operand))
}

fn doc_path(members: &Map<String, Value>) -> Option<String> {
    members.get("doc").filter(|_| members.len() == 1)?.as_str().map(str::to_owned)
}

fn parse_values(operand: &Value, dialect: Dialect) -> Result<Vec<ValueSpec>, String> {
    let values = operand.as_array().ok_or("in takes a list of values")?;
    if values.is_empty() && dialect == Dialect::Contentful {
        return Err("in takes a list of at least one string".into());
    }
    if values.len() > FILTER_VALUES_MAX {
        return Err(format!("in takes at most {FILTER_VALUES_MAX} values"));
    }
    values.iter().map(|item| value(item, dialect, "in takes a list of")).collect()
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

fn value(operand: &Value, dialect: Dialect, otherwise: &str) -> Result<ValueSpec, String> {
    match (operand, dialect) {
        (Value::Bool(boolean), Dialect::Edge) => Ok(ValueSpec::Boolean(*boolean)),
        (Value::Number(_), Dialect::Edge) => integer(operand, otherwise).map(ValueSpec::Integer),
        (_, Dialect::Edge) => {
            short_text(operand, &format!("{otherwise} strings, integers or booleans")).map(ValueSpec::Text)
        }
        (_, Dialect::Contentful) => short_text(operand, &format!("{otherwise} strings")).map(ValueSpec::Text),
    }
}

fn integer(operand: &Value, operator: &str) -> Result<i64, String> {
    operand.as_i64().ok_or_else(|| format!("{operator} takes an integer of 64 bits"))
}

fn short_text(operand: &Value, otherwise: &str) -> Result<String, String> {
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
        let specs = parse_filters(&filters, Dialect::Contentful).unwrap();
        let words = ["a", "b"].map(|word| ValueSpec::Text(word.to_owned())).to_vec();
        assert_eq!(specs[0].test, TestSpec::Equals(ValueSpec::Text("abc".into())));
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
            (json!([{"exists": [{"doc": "sys.id"}]}]), "no operator \"exists\""),
            (json!([{"equals": [{"doc": "fields.title"}, "x"]}]), "cannot be filtered on"),
            (json!([{"equals": [{"doc": "sys.id"}, 5]}]), "equals compares with strings"),
            (json!([{"equals": [{"doc": "sys.id"}]}]), "two operands"),
            (json!([{"in": [{"doc": "sys.id"}, []]}]), "at least one string"),
            (json!([{"regexp": [{"doc": "sys.id"}, {"pattern": "("}]}]), "filter 0"),
            (json!([{"regexp": [{"doc": "sys.id"}, {"pattern": "a", "flags": "i"}]}]), "nothing beside it"),
            (json!([{"not": {"not": {"equals": [{"doc": "sys.id"}, "x"]}}}]), "another not"),
        ] {
            let refusal = parse_filters(&bad, Dialect::Contentful).unwrap_err();
            assert!(refusal.contains(said), "{bad}: {refusal}");
        }
    }

    #[test]
    fn what_is_wrong_at_the_edge_is_said() {
        for (bad, said) in [
            (json!([{"exists": []}]), "exists takes one operand"),
            (json!([{"exists": [{"doc": ""}]}]), "has 1 to 64 bytes"),
            (json!([{"prefix": [{"doc": "v"}, 5]}]), "prefix takes a string"),
            (json!([{"lt": [{"doc": "v"}, 5.5]}]), "lt takes an integer"),
            (json!([{"equals": [{"doc": "v"}, 18446744073709551616.0]}]), "an integer of 64 bits"),
            (json!([{"equals": [{"doc": "v"}, null]}]), "strings, integers or booleans"),
            (json!([{"range": [{"doc": "v"}, {"min": 1}]}]), "range takes {\"min\""),
            (json!([{"like": [{"doc": "v"}, "x"]}]), "use equals, in, prefix"),
        ] {
            let refusal = parse_filters(&bad, Dialect::Edge).unwrap_err();
            assert!(refusal.contains(said), "{bad}: {refusal}");
        }
    }
}
