//! A real headless Chromium, driven through the WebDriver protocol by its own driver program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bellwire::net::{AddressPolicy, ClientSettings, HttpClient, OutgoingRequest};
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::programs::{Outcome, skip};

/// Browsers at once: each takes a core while it draws.
static BROWSERS: Semaphore = Semaphore::const_new(2);
/// How long the browser looks for something before a test gives up on it.
const PATIENCE_MS: u64 = 20_000;
/// The member under which the protocol names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) const ENTER: &str = "\u{E007}";
pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const SPACE_BAR: &str = "\u{E00D}";

/// A browser with one window.
pub(crate) struct Browser {
    driver: Child,
    client: HttpClient,
    session: String,
    _permit: SemaphorePermit<'static>,
}

/// An element of the page.
#[derive(Clone, Debug)]
pub(crate) struct Element(String);

impl Browser {
    /// A browser; `None`, loudly, where there is none. `scripts` says whether pages may run theirs.
    pub(crate) async fn open(scripts: bool) -> Option<Browser> {
        let permit = BROWSERS.acquire().await.expect("the semaphore is never closed");
        match Browser::start(scripts, permit).await {
            Ok(browser) => Some(browser),
            Err(cause) => {
                skip("the web app in a browser", &*cause);
                None
            }
        }
    }

    async fn start(scripts: bool, permit: SemaphorePermit<'static>) -> Outcome<Browser> {
        let chromium = find_program("chromium")?;
        let mut driver =
            Command::new(find_program("chromedriver")?).arg("--port=0").stdout(Stdio::piped()).spawn()?;
        let port = read_port(&mut driver);
        let client = ClientSettings { policy: AddressPolicy::AllowPrivate, ..ClientSettings::default() };
        let client = HttpClient::new(client)?;
        let session = format!("http://127.0.0.1:{}/session", port?);
        let mut browser = Browser { driver, client, session, _permit: permit };
        let made = browser.say(Method::POST, "", capabilities(&chromium, scripts)).await;
        browser.session += &format!("/{}", made["sessionId"].as_str().ok_or("no session")?);
        browser.say(Method::POST, "/timeouts", json!({"implicit": PATIENCE_MS, "script": PATIENCE_MS})).await;
        Ok(browser)
    }

    /// One command of the protocol; fails the test when the browser refuses it.
    async fn say(&self, method: Method, path: &str, body: Value) -> Value {
        match self.try_say(method, path, body.clone()).await {
            Ok(value) => value,
            Err(error) => panic!("{path} {body}: {error}"),
        }
    }

    async fn try_say(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let request = OutgoingRequest {
            body: (method == Method::POST).then(|| body.to_string().into()),
            method,
            url: format!("{}{path}", self.session).parse().unwrap(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            timeout: Duration::from_millis(3 * PATIENCE_MS),
            response_bytes_max: 64 << 20,
        };
        let exchange = self.client.send(request).await;
        let response = exchange.response.ok_or_else(|| format!("{:?}", exchange.error))?;
        let mut answer: Value = serde_json::from_slice(&response.body).map_err(|cause| cause.to_string())?;
        if response.status == 200 {
            Ok(answer["value"].take())
        } else {
            Err(answer["value"]["message"].to_string())
        }
    }

    pub(crate) async fn go(&self, url: &str) {
        self.say(Method::POST, "/url", json!({"url": url})).await;
    }

    pub(crate) async fn url(&self) -> String {
        self.say(Method::GET, "/url", Value::Null).await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn reload(&self) {
        self.say(Method::POST, "/refresh", json!({})).await;
    }

    /// The first element that a CSS selector finds, waited for.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        self.look("css selector", selector).await
    }

    async fn look(&self, using: &str, value: &str) -> Element {
        match self.try_say(Method::POST, "/element", json!({"using": using, "value": value})).await {
            Ok(found) => Element(found[ELEMENT].as_str().unwrap().to_owned()),
            Err(error) => panic!("{value} is not on {}: {error}\n{}", self.url().await, self.words().await),
        }
    }

    /// Waits until an element of this kind holds this text, quotation marks excepted.
    pub(crate) async fn see(&self, tag: &str, text: &str) -> Element {
        self.look("xpath", &format!("//{tag}[contains(normalize-space(.), \"{text}\")]")).await
    }

    /// The words of the page.
    pub(crate) async fn words(&self) -> String {
        let body =
            self.try_say(Method::POST, "/element", json!({"using": "css selector", "value": "body"})).await;
        match body {
            Ok(body) => self.text(&Element(body[ELEMENT].as_str().unwrap().to_owned())).await,
            Err(error) => error,
        }
    }

    pub(crate) async fn text(&self, element: &Element) -> String {
        let text = self.say(Method::GET, &format!("/element/{}/text", element.0), Value::Null).await;
        text.as_str().unwrap().to_owned()
    }

    pub(crate) async fn click(&self, element: &Element) {
        self.say(Method::POST, &format!("/element/{}/click", element.0), json!({})).await;
    }

    /// Clicks what a selector finds.
    pub(crate) async fn press(&self, selector: &str) {
        let element = self.find(selector).await;
        self.click(&element).await;
    }

    /// Types into what a selector finds, in place of what is there.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.say(Method::POST, &format!("/element/{}/clear", element.0), json!({})).await;
        self.say(Method::POST, &format!("/element/{}/value", element.0), json!({"text": text})).await;
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub(crate) async fn keys(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()})))
            .collect();
        self.say(
            Method::POST,
            "/actions",
            json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]}),
        )
        .await;
    }

    /// Runs a script of the test in the page; answers with what it returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.say(Method::POST, "/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Runs a script that calls its last argument when it is done.
    pub(crate) async fn run_async(&self, script: &str) -> Value {
        self.say(Method::POST, "/execute/async", json!({"script": script, "args": []})).await
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0]; const look = () => {{ if ({expression}) done(true); else setTimeout(look, 20); }}; look();"
        );
        if self.try_say(Method::POST, "/execute/async", json!({"script": script, "args": []})).await.is_err()
        {
            panic!("{expression} did not become true on {}\n{}", self.url().await, self.words().await);
        }
    }

    /// What the browser complained about since the last look: refused by the policy, failed scripts.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.say(Method::POST, "/se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().unwrap().iter().filter(|entry| {
            // That a page answers 4xx is said, too, and nothing to complain about.
            entry["source"] != "network" && (entry["level"] == "SEVERE" || entry["source"] == "security")
        });
        entries.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Draws pages at this size from now on, light or dark.
    pub(crate) async fn resize(&self, width: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let devtools = [
            (
                "Emulation.setDeviceMetricsOverride",
                json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
            ),
            (
                "Emulation.setEmulatedMedia",
                json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
            ),
        ];
        for (command, parameters) in devtools {
            self.say(Method::POST, "/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await;
        }
    }
}

impl Drop for Browser {
    /// Tells the driver to end its browser, which it does not do by itself, and then ends the driver.
    fn drop(&mut self) {
        let _ = self.quit();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Blocks until the browser is gone: there is no waiting in a drop.
    fn quit(&self) -> std::io::Result<()> {
        let session: url::Url = self.session.parse().map_err(std::io::Error::other)?;
        let mut socket = TcpStream::connect(("127.0.0.1", session.port().unwrap_or_default()))?;
        socket.set_read_timeout(Some(Duration::from_millis(PATIENCE_MS)))?;
        write!(socket, "DELETE {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", session.path())?;
        socket.read(&mut [0; 64]).map(drop)
    }
}

fn capabilities(chromium: &str, scripts: bool) -> Value {
    let scripts_allowed = if scripts { 1 } else { 2 };
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {
            "binary": chromium,
            // As root Chromium has no sandbox; the pages are ours.
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"],
            "prefs": {"profile.managed_default_content_settings.javascript": scripts_allowed},
        },
    }}})
}

fn find_program(name: &str) -> Outcome<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    let found = found.ok_or_else(|| format!("there is no program {name}"))?;
    Ok(found.to_string_lossy().into_owned())
}

/// The driver says on which port it listens.
fn read_port(driver: &mut Child) -> Outcome<u16> {
    let stdout = driver.stdout.take().ok_or("no standard output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if let Some((_, port)) = line.split_once("successfully on port ") {
            return Ok(port.trim().trim_end_matches('.').parse()?);
        }
    }
    Err("the driver did not start".into())
}
