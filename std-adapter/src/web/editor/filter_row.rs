//! A filter as a row of the form: an attribute, an operator, a text to compare with.

use serde_json::{Value, json};

/// Operators with their labels, in the order of the form.
pub(crate) const OPERATORS: [(&str, &str); 6] = [
    ("equals", "is"),
    ("not equals", "is not"),
    ("in", "is one of"),
    ("not in", "is none of"),
    ("regexp", "matches"),
    ("not regexp", "does not match"),
];

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FilterRow {
    pub(crate) doc: String,
    pub(crate) operator: String,
    pub(crate) value: String,
}

impl FilterRow {
    /// The filter that the form begins with.
    pub(crate) fn master() -> FilterRow {
        FilterRow { doc: "sys.environment.sys.id".into(), operator: "equals".into(), value: "master".into() }
    }

    /// Whether nobody filled it in.
    pub(crate) fn is_blank(&self) -> bool {
        self.doc.is_empty() && self.value.is_empty()
    }

    /// The rows of stored filters. What no row can show does not exist: definitions were checked.
    pub(crate) fn all_of(filters_json: Option<&str>) -> Vec<FilterRow> {
        let filters: Value =
            filters_json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        filters.as_array().into_iter().flatten().filter_map(FilterRow::of).collect()
    }

    fn of(filter: &Value) -> Option<FilterRow> {
        let (name, operands) = filter.as_object()?.iter().next()?;
        if name == "not" {
            let row = FilterRow::of(operands)?;
            return Some(FilterRow { operator: format!("not {}", row.operator), ..row });
        }
        let [first, second] = operands.as_array()?.as_slice() else { return None };
        let (doc, operand) = match first.get("doc") {
            Some(doc) => (doc, second),
            None => (second.get("doc")?, first),
        };
        let value = match operand {
            Value::String(text) => text.clone(),
            Value::Array(words) => write_words(words),
            other => other.get("pattern")?.as_str()?.to_owned(),
        };
        Some(FilterRow { doc: doc.as_str()?.to_owned(), operator: name.clone(), value })
    }

    /// The filter as a definition has it.
    pub(crate) fn to_json(&self) -> Value {
        let (negated, operator) = match self.operator.strip_prefix("not ") {
            Some(operator) => (true, operator),
            None => (false, self.operator.as_str()),
        };
        let operand = match operator {
            "in" => read_words(&self.value),
            "regexp" => json!({"pattern": self.value}),
            _ => self.value.as_str().into(),
        };
        let test = json!({operator: [{"doc": self.doc}, operand]});
        if negated { json!({"not": test}) } else { test }
    }
}

/// Words with commas between them; as JSON where that would not read back.
fn write_words(words: &[Value]) -> String {
    let texts: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    let plain = texts.join(", ");
    if read_words(&plain).as_array().is_some_and(|read| read == words) {
        plain
    } else {
        Value::from(words.to_vec()).to_string()
    }
}

fn read_words(text: &str) -> Value {
    if text.trim_start().starts_with('[')
        && let Ok(words @ Value::Array(_)) = serde_json::from_str(text)
    {
        return words;
    }
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::filters::{Dialect, parse_filters};

    #[test]
    fn every_filter_becomes_a_row_and_is_read_back() {
        let filters = json!([
            {"equals": [{"doc": "sys.id"}, "a, b"]},
            {"in": [{"doc": "sys.id"}, ["a", "b"]]},
            {"in": [{"doc": "sys.id"}, ["a, b", " c", ""]]},
            {"in": [{"doc": "sys.id"}, ["[x]"]]},
            {"regexp": [{"doc": "sys.id"}, {"pattern": "^(a|b)$"}]},
            {"not": {"in": [{"doc": "sys.environment.sys.id"}, ["master"]]}},
        ]);
        let rows = FilterRow::all_of(Some(&filters.to_string()));
        assert_eq!(rows[1].value, "a, b");
        assert_eq!(rows[5].operator, "not in");
        let back: Value = rows.iter().map(FilterRow::to_json).collect();
        assert_eq!(back, filters);
        assert!(parse_filters(&back, Dialect::Contentful).is_ok());
        assert_eq!(FilterRow::all_of(None), []);
    }
}
