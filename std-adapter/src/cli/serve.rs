//! `bellwire serve`: the server, from its settings to the signal that stops it.

use std::io::Write;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::block_on;
use super::output::CliError;
use crate::causes;
use crate::config::{LogFormat, Options};
use crate::node::Node;
use crate::secret::Secret;

/// Run the server
#[derive(Debug, clap::Args)]
#[command(after_help = "Every setting can be a flag, an environment variable or a key of the TOML file
(retry-delay = \"30s\"); a flag beats the environment beats the file.

The first start makes an admin token and prints it once, unless BELLWIRE_ADMIN_TOKEN sets one. Every start prints a
link to the web app that signs whoever follows it first in as the admin, within ten minutes.
SIGTERM and Ctrl-C stop the server: it takes no more requests and lets attempts under way end. A second one makes it
stop at once.")]
pub(crate) struct ServeArgs {
    /// TOML file with settings
    #[arg(long, env = "BELLWIRE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(args: ServeArgs) -> Result<(), CliError> {
    let told = |cause: crate::config::ConfigError| CliError::new(cause.to_string());
    let file = args.config.as_deref().map(Options::from_file).transpose().map_err(told)?;
    let options = args.options.or(file.unwrap_or_default());
    start_logging(options.log_format.unwrap_or_default(), options.log.as_deref().unwrap_or("info"))?;
    let settings = options.resolve().map_err(told)?;
    block_on(async move {
        let mut stop = StopSignals::catch()?;
        let data = settings.data.clone();
        let node = Node::start(settings).await.map_err(|cause| CliError::new(causes::in_one_line(&cause)))?;
        announce(&node, &data);
        let ended = tokio::select! {
            () = stop.wait() => Ok(()),
            failure = node.failed() => Err(CliError::new(format!("stopping: {}", causes::in_one_line(&failure)))),
        };
        // Asked a second time, it waits for nobody.
        node.stop_until(stop.wait()).await;
        ended
    })
}

/// Says where the server listens, and how to begin when it is new. Whether anybody reads that is not its concern.
fn announce(node: &Node, data: &Path) {
    let address = node.address();
    let mut words = format!(
        "bellwire {} listens on http://{address}, data in {}",
        env!("CARGO_PKG_VERSION"),
        data.display()
    );
    words += &web_app(node);
    if let Some(token) = node.new_admin_token() {
        words += &format!("\n{}", first_steps(&address.to_string(), token));
    }
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// Where the web app is, and the way in.
pub(crate) fn web_app(node: &Node) -> String {
    match node.sign_in_link() {
        Some(link) => format!("\nthe web app, signed in once within ten minutes: {}", link.expose()),
        None => format!("\nthe web app: {}/app", node.origin()),
    }
}

/// Log lines go to standard error, so that standard output holds only what was asked for.
pub(crate) fn start_logging(format: LogFormat, levels: &str) -> Result<(), CliError> {
    let targets: Targets = levels.parse().map_err(|_| {
        CliError::new(format!("'{levels}' is no set of log levels: try info or warn,bellwire=debug"))
    })?;
    let registry = tracing_subscriber::registry().with(targets);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    };
    started.map_err(|cause| CliError::new(format!("cannot log: {cause}")))
}

/// SIGTERM and Ctrl-C, caught from the making of this on: make it before anybody can know that the program runs.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Begins to catch them.
    pub(crate) fn catch() -> Result<StopSignals, CliError> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(StopSignals { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What to do with a new admin token, ready to be pasted.
pub(crate) fn first_steps(address: &str, token: &Secret) -> String {
    let token = token.expose();
    format!(
        r#"
The admin token, shown only this once:

  {token}

Make a space, a webhook in it, and publish an event:

  export BELLWIRE_TOKEN={token}
  curl -X PUT http://{address}/spaces/blog \
    -H "Authorization: Bearer $BELLWIRE_TOKEN" \
    -d '{{"name": "Blog"}}'
  curl -X POST http://{address}/spaces/blog/webhook_definitions \
    -H "Authorization: Bearer $BELLWIRE_TOKEN" \
    -H 'Content-Type: application/vnd.contentful.management.v1+json' \
    -d '{{"url": "https://www.example.com/", "name": "foo", "topics": ["*.*"]}}'
  curl -X POST http://{address}/spaces/blog/events \
    -H "Authorization: Bearer $BELLWIRE_TOKEN" \
    -H 'X-Contentful-Topic: Entry.publish' \
    -d '{{"sys": {{"type": "Entry", "id": "hello"}}}}'
"#
    )
}
