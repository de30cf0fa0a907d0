//! The few system fields that filters look at, read from a payload in one pass, without building a tree.
//!
//! The same pass checks that the whole payload is JSON. All these fields are ids, so texts: a number or a boolean in
//! such a place counts as absent, because the filters of definitions compare texts only. Of members with the same name
//! the last one counts, as in the tree that templates read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a payload says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadFields {
    /// `sys.id`
    pub id: Option<String>,
    /// `sys.environment.sys.id`
    pub environment: Option<String>,
    /// `sys.contentType.sys.id`
    pub content_type: Option<String>,
    /// `sys.createdBy.sys.id`
    pub created_by: Option<String>,
    /// `sys.updatedBy.sys.id`
    pub updated_by: Option<String>,
    /// `sys.deletedBy.sys.id`
    pub deleted_by: Option<String>,
}

impl PayloadFields {
    /// Reads the fields of a payload, any JSON value.
    ///
    /// # Errors
    /// When it is not JSON in UTF-8; says where.
    pub fn read(payload: &[u8]) -> Result<PayloadFields, String> {
        // The walk passes over most strings without looking into them, so the encoding is checked first.
        let text = std::str::from_utf8(payload)
            .map_err(|cause| format!("not UTF-8 at byte {}", cause.valid_up_to()))?;
        PayloadFields::walk(text).map_err(|cause| cause.to_string())
    }

    fn walk(payload: &str) -> serde_json::Result<PayloadFields> {
        let mut fields = PayloadFields::default();
        let mut reader = serde_json::Deserializer::from_str(payload);
        Walk { place: Place::Payload, fields: &mut fields }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(fields)
    }

    /// The attributes that filters see. `environment` is the event's, whether or not the payload names one.
    pub fn attributes<'a>(&'a self, environment: &'a str) -> Vec<(&'static str, &'a str)> {
        let rows = [
            ("sys.id", self.id.as_deref()),
            ("sys.environment.sys.id", Some(environment)),
            ("sys.contentType.sys.id", self.content_type.as_deref()),
            ("sys.createdBy.sys.id", self.created_by.as_deref()),
            ("sys.updatedBy.sys.id", self.updated_by.as_deref()),
            ("sys.deletedBy.sys.id", self.deleted_by.as_deref()),
        ];
        rows.into_iter().filter_map(|(doc, value)| Some((doc, value?))).collect()
    }

    /// The user that the payload says acted last.
    pub fn user(&self) -> Option<&str> {
        [&self.deleted_by, &self.updated_by, &self.created_by]
            .into_iter()
            .flatten()
            .next()
            .map(String::as_str)
    }

    /// Forgets what was found at a place or below it.
    fn clear(&mut self, place: Place) {
        match place {
            Place::Payload | Place::Sys => *self = PayloadFields::default(),
            Place::Linked(link) | Place::LinkedSys(link) | Place::Id(link) => *self.field(link) = None,
        }
    }

    fn field(&mut self, link: Link) -> &mut Option<String> {
        match link {
            Link::Itself => &mut self.id,
            Link::Environment => &mut self.environment,
            Link::ContentType => &mut self.content_type,
            Link::CreatedBy => &mut self.created_by,
            Link::UpdatedBy => &mut self.updated_by,
            Link::DeletedBy => &mut self.deleted_by,
        }
    }
}

#[derive(Clone, Copy)]
enum Link {
    Itself,
    Environment,
    ContentType,
    CreatedBy,
    UpdatedBy,
    DeletedBy,
}

/// Where in the payload the walk stands.
#[derive(Clone, Copy)]
enum Place {
    Payload,
    Sys,
    Linked(Link),
    LinkedSys(Link),
    Id(Link),
}

impl Place {
    /// The place that a member leads to; `None` when nothing of interest lies below.
    fn step(self, member: &str) -> Option<Place> {
        Some(match (self, member) {
            (Place::Payload, "sys") => Place::Sys,
            (Place::Sys, "id") => Place::Id(Link::Itself),
            (Place::Sys, "environment") => Place::Linked(Link::Environment),
            (Place::Sys, "contentType") => Place::Linked(Link::ContentType),
            (Place::Sys, "createdBy") => Place::Linked(Link::CreatedBy),
            (Place::Sys, "updatedBy") => Place::Linked(Link::UpdatedBy),
            (Place::Sys, "deletedBy") => Place::Linked(Link::DeletedBy),
            (Place::Linked(link), "sys") => Place::LinkedSys(link),
            (Place::LinkedSys(link), "id") => Place::Id(link),
            _ => return None,
        })
    }
}

struct Walk<'f> {
    place: Place,
    fields: &'f mut PayloadFields,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key_seed(Member)? {
            match name.and_then(|name| self.place.step(name)) {
                Some(place) => {
                    self.fields.clear(place);
                    members.next_value_seed(Walk { place, fields: &mut *self.fields })?;
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if let Place::Id(link) = self.place {
            *self.fields.field(link) = Some(text.to_owned());
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A member's name, where it is one that [`Place::step`] may know.
struct Member;

impl<'de> DeserializeSeed<'de> for Member {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Member {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        const NAMES: [&str; 7] =
            ["sys", "id", "environment", "contentType", "createdBy", "updatedBy", "deletedBy"];
        Ok(NAMES.into_iter().find(|known| *known == name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn link(id: &str) -> Value {
        json!({"sys": {"type": "Link", "linkType": "Any", "id": id}})
    }

    /// The obvious version: a tree, and pointers into it.
    fn by_tree(payload: &[u8]) -> Option<PayloadFields> {
        let tree: Value = serde_json::from_slice(payload).ok()?;
        let text = |pointer: &str| tree.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some(PayloadFields {
            id: text("/sys/id"),
            environment: text("/sys/environment/sys/id"),
            content_type: text("/sys/contentType/sys/id"),
            created_by: text("/sys/createdBy/sys/id"),
            updated_by: text("/sys/updatedBy/sys/id"),
            deleted_by: text("/sys/deletedBy/sys/id"),
        })
    }

    #[test]
    fn the_fields_of_an_entry_are_found() {
        let entry = json!({
            "fields": {"sys": {"en-US": {"id": "not this one"}}},
            "sys": {"id": "e1", "environment": link("master"), "contentType": link("page"), "createdBy": link("u1"), "updatedBy": link("u2")},
        });
        let fields = PayloadFields::read(entry.to_string().as_bytes()).unwrap();
        assert_eq!(
            fields.attributes("staging"),
            [
                ("sys.id", "e1"),
                ("sys.environment.sys.id", "staging"),
                ("sys.contentType.sys.id", "page"),
                ("sys.createdBy.sys.id", "u1"),
                ("sys.updatedBy.sys.id", "u2"),
            ]
        );
        assert_eq!(fields.user(), Some("u2"));
    }

    #[test]
    fn odd_payloads_have_no_fields_but_are_accepted() {
        for odd in [
            "null",
            "5",
            "1e400",
            "123456789012345678901234567890",
            "[]",
            "[{\"sys\":{\"id\":\"x\"}}]",
            "\"sys\"",
            "{}",
            "{\"sys\":5}",
            "{\"sys\":[]}",
            "{\"sys\":{\"id\":5}}",
            "{\"sys\":{\"id\":true}}",
            "{\"sys\":{\"id\":5.5,\"environment\":\"master\"}}",
        ] {
            assert_eq!(PayloadFields::read(odd.as_bytes()).unwrap(), PayloadFields::default(), "{odd}");
        }
    }

    #[test]
    fn of_members_with_the_same_name_the_last_one_counts() {
        for payload in [
            r#"{"sys":{"id":"a"},"sys":{}}"#,
            r#"{"sys":{"id":"a"},"sys":5}"#,
            r#"{"sys":{"id":"a","id":5}}"#,
            r#"{"sys":{"id":"a","id":"b"}}"#,
            r#"{"sys":{"id":"a","environment":{"sys":{"id":"x"}},"environment":{"sys":{}}}}"#,
            r#"{"sys":{"environment":{"sys":{"id":"x"},"sys":{"id":[]}},"id":"a"}}"#,
        ] {
            assert_eq!(
                PayloadFields::read(payload.as_bytes()).ok(),
                by_tree(payload.as_bytes()),
                "{payload}"
            );
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (bad, place) in [
            ("", "line 1 column 0"),
            ("{\"a\":1,}", "line 1 column 8"),
            ("{}\n{}", "line 2"),
            ("{\"a\":01}", "line 1"),
            ("[1 2]", "column 4"),
            ("\"\u{1}\"", "control"),
        ] {
            let refusal = PayloadFields::read(bad.as_bytes()).unwrap_err();
            assert!(refusal.contains(place), "{bad:?}: {refusal}");
        }
        assert!(PayloadFields::read(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn deep_nesting_is_refused_rather_than_overflowing_the_stack() {
        let deep = "[".repeat(500_000);
        assert!(PayloadFields::read(deep.as_bytes()).is_err());
        let nested = format!("{}{}", "{\"sys\":".repeat(200_000), "1");
        assert!(PayloadFields::read(nested.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn the_walk_agrees_with_the_tree(names in prop::collection::vec(prop::sample::select(vec!["sys", "id", "environment", "contentType", "x"]), 1..6), leaf in prop::sample::select(vec!["\"v\"", "1", "null", "[]", "{}"])) {
            let payload = names.iter().rev().fold(leaf.to_owned(), |inner, name| format!("{{\"{name}\":{inner},\"y\":[1,{{\"id\":\"z\"}}]}}"));
            prop_assert_eq!(PayloadFields::read(payload.as_bytes()).ok(), by_tree(payload.as_bytes()));
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = PayloadFields::read(&bytes);
        }
    }
}
