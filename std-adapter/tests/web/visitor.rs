//! Somebody who looks at pages without a browser: keeps the cookie, and repeats the form's token.

use bytes::Bytes;
use hyper::Method;
use url::form_urlencoded;

use super::support::{Answer, Server};

/// A visitor, signed in or not.
#[derive(Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Visitor {
    /// Somebody who signed in with a token.
    pub(crate) async fn with(server: &Server, token: &str) -> Visitor {
        let nobody = Visitor::default();
        let form = nobody.get(server, "/app/sign-in").await;
        let stranger = Visitor { cookie: cookie(&form, "bellwire_form"), csrf: csrf(&form) };
        let entered = stranger.post(server, "/app/sign-in", &[("token", token)]).await;
        assert_eq!(entered.status, 303, "{}", String::from_utf8_lossy(&entered.body));
        let mut visitor = Visitor { cookie: cookie(&entered, "bellwire_session"), csrf: String::new() };
        let mut home = visitor.get(server, "/app").await;
        if let Some(next) = home.header("location").map(str::to_owned) {
            home = visitor.get(server, &next).await;
        }
        visitor.csrf = csrf(&home);
        visitor
    }

    /// The same, without the token that forms carry.
    pub(crate) fn without_csrf(&self) -> Visitor {
        Visitor { csrf: String::new(), ..self.clone() }
    }

    pub(crate) async fn get(&self, server: &Server, path: &str) -> Answer {
        self.send(server, Method::GET, path, &[], Bytes::new()).await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(fields);
        self.send(server, Method::POST, path, &[], Bytes::from(form.finish())).await
    }

    pub(crate) async fn send(
        &self,
        server: &Server,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let mut sent = vec![("Authorization", "none"), ("Content-Type", "application/x-www-form-urlencoded")];
        if !self.cookie.is_empty() {
            sent.push(("Cookie", &self.cookie));
        }
        sent.extend_from_slice(headers);
        server.send(method, path, &sent, body).await
    }
}

/// A cookie that an answer sets, as it is sent back.
pub(crate) fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.header("set-cookie").unwrap_or_default();
    let from = set.find(&format!("{name}=")).unwrap_or_else(|| panic!("{name} is not set: {set}"));
    set[from..].split(';').next().unwrap().to_owned()
}

/// The token of a page's forms.
pub(crate) fn csrf(page: &Answer) -> String {
    let html = text(page);
    let (_, rest) = html.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {html}"));
    rest.split('"').next().unwrap().to_owned()
}

pub(crate) fn text(page: &Answer) -> String {
    String::from_utf8(page.body.clone()).expect("pages are UTF-8")
}
