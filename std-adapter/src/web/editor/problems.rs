//! What is wrong with what was typed, and beside which field it is said.

use crate::problem::Problem;

/// Problems by the place of the form that they are about.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<(String, String)>);

impl Problems {
    pub(crate) fn of(problems: &[Problem]) -> Problems {
        Problems(problems.iter().map(|problem| (place(problem), sentence(problem).to_owned())).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every problem with its place.
    pub(crate) fn all(&self) -> &[(String, String)] {
        &self.0
    }

    /// What is wrong at a place, as one text; empty when nothing is.
    pub(crate) fn at(&self, place: &str) -> String {
        let texts = self.0.iter().filter(|(at, _)| at == place).map(|(_, text)| text.as_str());
        texts.collect::<Vec<&str>>().join(". ")
    }

    /// What is wrong in a row of a list, counted from 0.
    pub(crate) fn at_row(&self, list: &str, row: &usize) -> String {
        self.at(&format!("{list}.{row}"))
    }

    /// Whether something is wrong at a place.
    pub(crate) fn has(&self, place: &str) -> bool {
        self.0.iter().any(|(at, _)| at == place)
    }
}

/// Where a problem's field is in the form.
fn place(problem: &Problem) -> String {
    let mut parts = problem.path.split('.');
    let place = match (parts.next().unwrap_or_default(), parts.next()) {
        // A problem with a single topic, and the one with their number, stand under the grid.
        ("topics", _) => "topics",
        ("", _) if problem.name == "topics" => "topics",
        ("filters", _) => return filter_place(&problem.details),
        ("headers", Some(row)) => return format!("headers.{row}"),
        ("httpBasicUsername" | "httpBasicPassword", _) => "basic",
        ("transformation", Some("body")) => "payload",
        ("transformation", Some("method")) => "method",
        ("transformation", _) => "content-type",
        (other, _) => other,
    };
    place.to_owned()
}

/// What is wrong with a filter stands beside its row, which need not be named then.
fn sentence(problem: &Problem) -> &str {
    match problem.path.as_str() {
        "filters" => filter(&problem.details).map_or(&problem.details, |(_, sentence)| sentence),
        _ => &problem.details,
    }
}

fn filter_place(details: &str) -> String {
    filter(details).map_or("filters".into(), |(number, _)| format!("filters.{number}"))
}

/// The number and the rest of `filter 2: …`.
fn filter(details: &str) -> Option<(usize, &str)> {
    let (number, sentence) = details.strip_prefix("filter ")?.split_once(": ")?;
    Some((number.parse().ok()?, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_find_their_fields() {
        for (name, path, details, place) in [
            ("required", "name", "", "name"),
            ("topics", "", "Topics cannot be empty", "topics"),
            ("invalid", "topics.3", "", "topics"),
            ("invalid", "filters", "filter 2: no", "filters.2"),
            ("invalid", "filters", "a webhook has at most", "filters"),
            ("invalid", "headers.1", "", "headers.1"),
            ("required", "httpBasicPassword", "", "basic"),
            ("json", "transformation.body", "", "payload"),
            ("invalid", "transformation.contentType", "", "content-type"),
        ] {
            let problems = Problems::of(&[Problem::new(name, path, details)]);
            assert!(problems.has(place), "{path}: {problems:?}");
        }
        let problems = Problems::of(&[Problem::new("invalid", "filters", "filter 2: no such operator")]);
        assert_eq!(problems.at_row("filters", &2), "no such operator");
    }
}
