//! Webhook templates: for a service that people call often, a small form that fills in the large one.

use askama::Template;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::editor::draft::Draft;
use super::editor::show_draft;
use super::error::WebError;
use super::fields::{Fields, Submitted};
use super::frame::{Frame, Part};
use super::session::User;
use super::{Page, WebState, page};
use crate::app::{Fault, Wish};
use crate::webhooks::Live;
use crate::webhooks::definition::Definition;

const RECIPES: &str = include_str!("../../assets/templates.json");
/// What a template asks for unless it says otherwise.
const TOPICS: [&str; 4] = ["Entry.publish", "Entry.unpublish", "Asset.publish", "Asset.unpublish"];

/// A template.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) about: String,
    pub(super) fields: Vec<Field>,
    /// A definition in the API's words, with `<<name>>` where the value of a field goes.
    definition: Value,
}

/// Something that only the user knows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    #[serde(default)]
    pub(super) placeholder: String,
    #[serde(default)]
    pub(super) hint: String,
    #[serde(default)]
    pub(super) secret: bool,
}

/// The templates that are embedded.
pub(super) fn all() -> Vec<Recipe> {
    serde_json::from_str(RECIPES).expect("the embedded templates are well-formed")
}

impl Recipe {
    /// The definition with the fields' values, the usual topics, and the usual filter.
    fn fill(&self, fields: &Fields) -> Value {
        let mut definition = self.filled(&self.definition, fields);
        if definition.get("topics").is_none() {
            definition["topics"] = json!(TOPICS);
        }
        definition["filters"] = json!([{"equals": [{"doc": "sys.environment.sys.id"}, "master"]}]);
        definition
    }

    fn filled(&self, value: &Value, fields: &Fields) -> Value {
        match value {
            Value::String(text) => self.filled_text(text, fields).into(),
            Value::Array(items) => items.iter().map(|item| self.filled(item, fields)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.filled(value, fields))).collect()
            }
            other => other.clone(),
        }
    }

    fn filled_text(&self, text: &str, fields: &Fields) -> String {
        self.fields.iter().fold(text.to_owned(), |text, field| {
            text.replace(&format!("<<{}>>", field.name), fields.text(&field.name).trim())
        })
    }
}

#[derive(Template)]
#[template(path = "templates.html")]
struct ListPage<'a> {
    frame: Frame,
    recipes: &'a [Recipe],
}

/// `GET …/templates`.
pub(super) async fn list(State(web): WebState, user: User, Path(space): Path<String>, query: Fields) -> Page {
    let space = user.enter(&web, &space, Wish::Manage)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Templates, &query);
    page(&ListPage { frame, recipes: &web.recipes })
}

#[derive(Template)]
#[template(path = "template.html")]
struct RecipePage<'a> {
    frame: Frame,
    recipe: &'a Recipe,
    typed: &'a Fields,
    problems: Vec<String>,
}

/// `GET …/templates/{template}`: asks for what only the user knows.
pub(super) async fn show(
    State(web): WebState,
    user: User,
    Path((space, recipe)): Path<(String, String)>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Manage)?;
    let recipe = web.recipes.iter().find(|known| known.id == recipe).ok_or(WebError::NoPage)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Templates, &query);
    page(&RecipePage { frame, recipe, typed: &Fields::default(), problems: Vec::new() })
}

/// `POST …/templates/{template}`: the form of a new webhook, filled in. Nothing is made yet.
pub(super) async fn fill(
    State(web): WebState,
    Path((space, recipe)): Path<(String, String)>,
    sent: Submitted,
) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let recipe = web.recipes.iter().find(|known| known.id == recipe).ok_or(WebError::NoPage)?;
    match Definition::parse(&recipe.fill(&sent.fields), None, web.app.policy) {
        Ok(definition) => {
            let live = Live::draft(definition).map_err(|cause| Fault::Change(cause.into()))?;
            show_draft(&web, &sent.user, &space, Draft::filled_in(&live.webhooks[0].record))
        }
        Err(problems) => {
            let frame = Frame::new(&web, &sent.user, Some(&space), Part::Templates, &Fields::default());
            let problems = problems.into_iter().map(|problem| problem.details).collect();
            page(&RecipePage { frame, recipe, typed: &sent.fields, problems })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::AddressPolicy;

    #[test]
    fn every_template_makes_a_definition_once_filled_in() {
        let recipes = all();
        for recipe in &recipes {
            let value = |field: &Field| {
                if field.name == "url" {
                    "https://www.example.com/x".into()
                } else {
                    format!("my-{}", field.name)
                }
            };
            let fields =
                Fields(recipe.fields.iter().map(|field| (field.name.clone(), value(field))).collect());
            let filled = recipe.fill(&fields);
            let definition = Definition::parse(&filled, None, AddressPolicy::PublicOnly);
            assert!(definition.is_ok(), "{}: {definition:?}", recipe.id);
            assert!(!filled.to_string().contains("<<"), "{filled}");
            for secret in recipe.fields.iter().filter(|field| field.secret) {
                let draft =
                    Draft::filled_in(&Live::draft(definition.clone().unwrap()).unwrap().webhooks[0].record);
                let hidden = draft
                    .headers
                    .iter()
                    .any(|header| header.secret && header.value.contains(&format!("my-{}", secret.name)));
                assert!(hidden, "{}: {} does not end in a secret header", recipe.id, secret.name);
            }
        }
        let ids: Vec<&str> = recipes.iter().map(|recipe| recipe.id.as_str()).collect();
        assert_eq!(
            ids,
            ["generic", "netlify", "vercel", "slack", "github", "gitlab", "circleci", "algolia", "lambda"]
        );
    }
}
