//! `serve` puts the service together: the token, what listens, what each assistant is served; then `hosts::service` runs it.
//! `--connect` and `health` find it.

use crate::app::{App, Captures};
use crate::broker::recorder::Recorder;
use crate::broker::sessions::Sessions;
use crate::config::{Config, Environment, Loaded, Service as Settings};
use crate::hosts::assistants::Assistants;
use crate::hosts::http::token::{self, Guard, MIN_CHARACTERS, Plain};
use crate::hosts::http::{Http, Pages, Socket};
use crate::hosts::link::Target;
use crate::hosts::place::Place;
use crate::hosts::service::{self, Service};
use crate::hosts::{connect, health};
use crate::journal::{ClientId, Journal};
use crate::monitor::Monitor;
use crate::process::shutdown::SESSIONS_END;
use crate::resources::Offer;
use crate::tools::{Shared, State};
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// Serves many assistants over HTTP and a Unix socket, until a signal comes
#[derive(clap::Args)]
pub struct ServeArgs {
    /// Makes another token; the old one, and all MCP sessions, end
    #[arg(long)]
    new_token: bool,
    // See `of_demo`.
    #[arg(skip)]
    demo: Option<fn(&str)>,
}

impl ServeArgs {
    /// As the demo serves: at the next free port, telling the link of the page to this in place of all else.
    #[cfg(feature = "demo")]
    pub(crate) fn of_demo(tell: fn(&str)) -> Self {
        Self {
            new_token: false,
            demo: Some(tell),
        }
    }
}

/// How to reach a service that runs
#[derive(clap::Args)]
pub struct ConnectArgs {
    /// Relays standard input and output to a running service [default: its Unix socket on this machine]
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    connect: Option<String>,
    /// File of the service's token, for --connect URL [default: BITSPERITY_MQTT_TOKEN, or the service's own file]
    #[arg(long, value_name = "FILE", requires = "connect")]
    token_file: Option<PathBuf>,
}

impl ConnectArgs {
    /// `--connect` was given.
    pub fn is_asked(&self) -> bool {
        self.connect.is_some()
    }
}

/// Relays standard input and output to a running service.
///
/// # Errors
/// In one sentence what is wrong, and what to do.
pub fn connect(
    args: &ConnectArgs,
    config: &Config,
    environment: &Environment,
) -> Result<(), String> {
    let settings = &config.service;
    let target = match args.connect.as_deref().unwrap_or_default() {
        "" => {
            let path = settings.socket.clone().or_else(|| environment.socket());
            Target::Socket(path.ok_or("no place for a socket: set socket or XDG_RUNTIME_DIR")?)
        }
        url => {
            let place = Place::parse(url).map_err(|why| format!("--connect: {why}"))?;
            Target::Http(place, token_to_send(args, config, environment)?)
        }
    };
    crate::process::start_executor();
    let done = connect::run(target, config.limits.max_line);
    done.map_err(|error| error.to_string())
}

/// The token to send; none if there is none, which the service may say better.
fn token_to_send(
    args: &ConnectArgs,
    config: &Config,
    environment: &Environment,
) -> Result<Option<Plain>, String> {
    if let Some(path) = &args.token_file {
        let failed =
            |why: &dyn std::fmt::Display| format!("--token-file {}: {why}", path.display());
        let read = token::read(path).map_err(|error| failed(&error))?;
        return read
            .map(Some)
            .ok_or_else(|| failed(&"there is no such file"));
    }
    let own = || {
        token::read(&token_path(config, environment)?)
            .ok()
            .flatten()
    };
    Ok(environment.token().or_else(own))
}

/// Asks a running service how it is, and prints what it says.
///
/// # Errors
/// In one sentence why it is not there, or not well.
pub fn health(url: Option<&str>, config: &Config) -> Result<(), String> {
    let listen = config.service.listen;
    let own = || match listen.ip().is_unspecified() {
        true => format!("http://127.0.0.1:{}", listen.port()),
        false => format!("http://{listen}"),
    };
    let place = Place::parse(&url.map_or_else(own, str::to_owned))?;
    let health = health::ask(&place)?;
    let _ = writeln!(io::stderr(), "{health}");
    Ok(())
}

fn token_path(config: &Config, environment: &Environment) -> Option<PathBuf> {
    let settings = &config.service;
    let folder = || {
        settings
            .state_dir
            .clone()
            .or_else(|| environment.state_dir())
    };
    let path = settings.token_file.clone();
    path.or_else(|| Some(folder()?.join("token")))
}

/// Runs it.
///
/// # Errors
/// In one sentence what is wrong, and what to do.
pub fn run(
    args: &ServeArgs,
    loaded: Loaded,
    environment: &Environment,
    started: Instant,
) -> Result<(), String> {
    let config = Arc::new(loaded.config);
    let (token, place) = token_of(args, &config, environment)?;
    let guard = Guard::new(&token).map_err(|error| format!("token: {error}"))?;
    crate::process::start_executor();
    let Inside {
        assistants,
        pages,
        own,
    } = inside(&config, started);
    let (settings, limits) = (&config.service, &config.limits);
    let http = Http::new(settings, limits, guard, Some(&assistants), Some(pages));
    let bound = match args.demo {
        Some(_) => service::bind_near(settings.listen.port()),
        None => service::bind(settings.listen),
    };
    let (listener, address) = bound.map_err(|error| {
        format!(
            "{}: {error}; choose another address with --set listen=ADDRESS:PORT, or end what listens there",
            settings.listen
        )
    })?;
    #[cfg(unix)]
    let (socket, path) = open_socket(&config, environment);
    #[cfg(not(unix))]
    let path = None;
    match args.demo {
        Some(tell) => tell(&link(address, &token)),
        None => introduce(address, path, &token, &place),
    }
    drop(token);
    let service = Service {
        http: (http, listener),
        #[cfg(unix)]
        socket,
        assistants,
        goodbye: Box::pin(async move {
            let closing = own.iter().map(|it| it.close_all(SESSIONS_END));
            futures::future::join_all(closing).await;
        }),
    };
    service::run(service).map_err(|error| error.to_string())
}

/// What a single assistant is served with a page beside it, on loopback. The page's token is of this process alone: its
/// link may stand in the host's log and in a conversation, and opens nothing afterwards.
///
/// # Errors
/// In one sentence why there is no page.
pub fn with_page(config: &Arc<Config>, started: Instant) -> Result<Arc<Offer>, String> {
    let failed = |error: io::Error| format!("no page: {error}");
    let token = token::make().map_err(failed)?;
    let guard = Guard::new(&token).map_err(failed)?;
    let near = service::bind_near(config.service.listen.port());
    let (listener, address) = near.map_err(failed)?;
    let link = link(address, &token);
    let journal = Journal::new();
    crate::log::set_journal(&journal);
    let _ = writeln!(io::stderr(), "Page: {link}");
    let state = State::with_page(Arc::clone(config), link, started);
    let app = App::new(Arc::clone(config), Arc::clone(&journal), started);
    // The only assistant has this number.
    app.client(ClientId(0), &state.sessions, downgraded(&state));
    let pages = Arc::new(Page(Monitor::new(app)));
    let settings = Settings::default();
    let http = Http::new(&settings, &config.limits, guard, None, Some(pages));
    service::beside(http, listener);
    Ok(Offer::noted(state, Some(journal)))
}

fn downgraded(state: &Arc<State>) -> Weak<dyn Captures> {
    // Of its own type first: it does not become the other one behind a reference.
    let state: Weak<State> = Arc::downgrade(state);
    state
}

/// Begins to watch what the configuration says.
fn record(config: &Arc<Config>) -> Option<Arc<Recorder>> {
    let places = Arc::clone(config);
    let find = move |name: &str| {
        let found = crate::tools::place(&places, name);
        found.map_err(|error| error.message)
    };
    Recorder::start(config, Box::new(find))
}

/// What is behind the doors.
struct Inside {
    assistants: Arc<Assistants>,
    pages: Arc<Page>,
    /// Sessions that are no single assistant's.
    own: Vec<Arc<Sessions>>,
}

fn inside(config: &Arc<Config>, started: Instant) -> Inside {
    let journal = Journal::new();
    crate::log::set_journal(&journal);
    let recorder = record(config);
    let shared = Shared::new(Arc::clone(config), recorder.clone(), started);
    let app = App::new(Arc::clone(config), Arc::clone(&journal), started);
    let recorded = recorder.as_ref().map(|it| it.sessions());
    let own = recorded.into_iter().chain(shared.common());
    let own = own.cloned().collect();
    app.shared(shared.common());
    app.recording(recorder);
    let watched = Arc::clone(&app);
    let assistants = Assistants::new(Box::new(move |caller| {
        let state = shared.state(&format!("{} {}", caller.transport.name(), caller.id));
        watched.client(ClientId(caller.id), &state.sessions, downgraded(&state));
        Offer::noted(state, Some(Arc::clone(&journal)))
    }));
    Inside {
        assistants,
        pages: Arc::new(Page(Monitor::new(app))),
        own,
    }
}

/// The monitor, as the HTTP front asks for it.
struct Page(Arc<Monitor>);

impl Pages for Page {
    fn is_public(&self, method: &Method, path: &str) -> bool {
        Monitor::is_public(method, path)
    }

    fn respond(
        &self,
        request: Request<Vec<u8>>,
        trusted: bool,
    ) -> BoxFuture<'static, Response<Vec<u8>>> {
        let monitor = Arc::clone(&self.0);
        Box::pin(async move { monitor.respond(request, trusted).await })
    }

    fn live(&self, socket: Socket, trusted: bool) -> BoxFuture<'static, ()> {
        let monitor = Arc::clone(&self.0);
        Box::pin(async move { monitor.live(socket, trusted).await })
    }

    fn degraded(&self) -> Option<String> {
        self.0.degraded()
    }
}

/// The token, and where it stands.
fn token_of(
    args: &ServeArgs,
    config: &Config,
    environment: &Environment,
) -> Result<(Plain, String), String> {
    if let Some(token) = environment.token() {
        if args.new_token {
            return Err("--new-token: the token is that of BITSPERITY_MQTT_TOKEN; change it there, or unset it".to_owned());
        }
        return checked(token, config, "BITSPERITY_MQTT_TOKEN".to_owned());
    }
    let path = token_path(config, environment);
    let path = path.ok_or("no place for the token: set token_file, state_dir or HOME")?;
    let place = path.display().to_string();
    let failed = |error: io::Error| format!("{place}: {error}");
    if !args.new_token
        && let Some(token) = token::read(&path).map_err(failed)?
    {
        return checked(token, config, place);
    }
    let token = token::make().map_err(failed)?;
    token::write(&path, &token).map_err(failed)?;
    Ok((token, place))
}

/// A token that somebody else made may be short only where nobody else can reach us.
fn checked(token: Plain, config: &Config, place: String) -> Result<(Plain, String), String> {
    let listen = config.service.listen;
    let short = token.len() < MIN_CHARACTERS;
    if short && !listen.ip().is_loopback() {
        return Err(format!(
            "{place}: {listen} can be reached from outside, which needs a token of at least {MIN_CHARACTERS} characters; --new-token makes one"
        ));
    }
    Ok((token, place))
}

#[cfg(unix)]
use crate::hosts::socket::Socket as UnixSocket;

/// Without it the service still serves HTTP.
#[cfg(unix)]
fn open_socket(
    config: &Config,
    environment: &Environment,
) -> (Option<UnixSocket>, Option<PathBuf>) {
    let path = config.service.socket.clone();
    let Some(path) = path.or_else(|| environment.socket()) else {
        return (None, None);
    };
    let limits = crate::hosts::socket::Limits {
        max_line: config.limits.max_line,
        write_time: std::time::Duration::from_secs_f64(config.limits.http.write_time),
        clients: config.limits.http.clients,
    };
    match UnixSocket::open(path.clone(), limits) {
        Ok(socket) => (Some(socket), Some(path)),
        Err(error) => {
            log::warn!("no Unix socket: {}: {error}", path.display());
            (None, None)
        }
    }
}

fn link(address: SocketAddr, token: &Plain) -> String {
    format!("http://{address}/#key={}", token.as_str())
}

/// For the person who started it. The token is shown to a terminal only: what goes elsewhere may be kept.
fn introduce(address: SocketAddr, socket: Option<PathBuf>, token: &Plain, place: &str) {
    let mut text = format!("Listening on http://{address}");
    if let Some(path) = socket {
        let _ = write!(text, " and {}", path.display());
    }
    let _ = write!(text, "; the token stands in {place}");
    if io::stderr().is_terminal() {
        let (link, token) = (link(address, token), token.as_str());
        let _ = write!(
            text,
            "\n\nPage:\n  {link}\nClaude Code:\n  claude mcp add --transport http mqtt http://{address}/mcp --header \"Authorization: Bearer {token}\"\n\
             Cursor:\n  \"mqtt\": {{ \"url\": \"http://{address}/mcp\", \"headers\": {{ \"Authorization\": \"Bearer {token}\" }} }}\n\
             Hosts that start a command:\n  \"mqtt\": {{ \"command\": \"bitsperity-mqtt-mcp\", \"args\": [\"--connect\"] }}"
        );
    }
    let _ = writeln!(io::stderr(), "{text}");
}
