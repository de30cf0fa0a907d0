//! Bodies as pages show them: JSON laid out, anything else as it is, both within bounds.

/// Bytes of JSON that are laid out; longer texts are shown as they are.
const PRETTY_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a body that a page shows.
const SHOWN_BYTES_MAX: usize = 512 * 1024;

/// A body to be shown.
#[derive(Debug)]
pub(super) struct Body {
    /// The text, laid out or as it came.
    pub(super) text: String,
    /// Whether it could be laid out.
    pub(super) is_json: bool,
    /// Bytes of the text as it came.
    pub(super) bytes: usize,
    /// Whether the log kept the beginning only.
    pub(super) cut: bool,
    /// Whether the page shows the beginning only.
    pub(super) shortened: bool,
}

impl Body {
    /// Prepares a text; `raw` leaves it as it came.
    pub(super) fn new(text: &str, cut: bool, raw: bool) -> Body {
        Body::within(SHOWN_BYTES_MAX, text, cut, raw)
    }

    /// As [`Body::new`], showing at most so many bytes of what is not laid out.
    pub(super) fn within(shown_max: usize, text: &str, cut: bool, raw: bool) -> Body {
        let pretty = if cut || text.len() > PRETTY_BYTES_MAX.min(shown_max) { None } else { lay_out(text) };
        let is_json = pretty.is_some();
        let pretty = pretty.filter(|_| !raw);
        let end = text.floor_char_boundary(shown_max);
        let shortened = pretty.is_none() && end < text.len();
        let text_shown = pretty.unwrap_or_else(|| text[..end].to_owned());
        Body { text: text_shown, is_json, bytes: text.len(), cut, shortened }
    }
}

/// JSON with line breaks, its digits and the order of its members kept; `None` for what is no object or array.
fn lay_out(text: &str) -> Option<String> {
    let value = crate::json::parse(text.as_bytes()).ok()?;
    let deep = value.is_object() || value.is_array();
    deep.then(|| serde_json::to_string_pretty(&value).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_the_rest_is_left_alone() {
        let body = Body::new("{\"b\":1.50,\"a\":[]}", false, false);
        assert_eq!(body.text, "{\n  \"b\": 1.50,\n  \"a\": []\n}");
        assert!(body.is_json);
        assert_eq!(Body::new("{\"b\":1}", false, true).text, "{\"b\":1}");
        for plain in ["", "thank you", "5", "{\"cut"] {
            let body = Body::new(plain, false, false);
            assert_eq!((body.text.as_str(), body.is_json), (plain, false));
        }
        let long = "é".repeat(SHOWN_BYTES_MAX);
        let body = Body::new(&long, false, false);
        assert!(body.shortened && body.text.len() <= SHOWN_BYTES_MAX);
    }
}
