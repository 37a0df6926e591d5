//! The program: command line, configuration, logging, then MCP on standard input and output.
//!
//! Invariant: nothing is done at start but reading configuration; hosts start a server several times and throw it away.

use bitsperity_mqtt_mcp::config::{self, Environment, Given, Loaded};
use bitsperity_mqtt_mcp::serve::{self, ConnectArgs, ServeArgs};
use bitsperity_mqtt_mcp::text::mask::mask;
use bitsperity_mqtt_mcp::{hosts, offline, process, resources, selftest, tools};
use clap::{Args, Parser, Subcommand};
use std::alloc::System;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use zeroizing_alloc::ZeroAlloc;

/// Wipes memory when it is freed: parsers, buffers and channels copy a password where nobody can wipe it by hand.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// Configuration or command line are wrong; clap's own exit code, too.
const USAGE: u8 = 2;

const HELP: &str = "\
An assistant's host starts this program and speaks MCP with it over standard input and output.
What to paste into its configuration (Claude Desktop, Cursor and most others: \"mcpServers\";
VS Code: \"servers\"):

  {
    \"mcpServers\": {
      \"mqtt\": {
        \"command\": \"/path/to/bitsperity-mqtt-mcp\",
        \"env\": { \"BITSPERITY_MQTT_URL\": \"mqtt://me@192.168.1.7:1883\", \"BITSPERITY_MQTT_PASSWORD\": \"…\" }
      }
    }
  }

  claude mcp add mqtt -- /path/to/bitsperity-mqtt-mcp          (Claude Code)

The variables are optional: they describe a broker named \"default\". Without them the
assistant needs a connection string, or the name of a broker from the configuration file, so
that no password passes through the conversation:

  # ~/.config/bitsperity-mqtt-mcp/config.toml
  [brokers.home]
  url = \"mqtts://192.168.1.7:8883\"
  user = \"me\"
  password_file = \"~/.mqtt-password\"     # or password = \"…\", or password_env = \"NAME_OF_A_VARIABLE\"
  ca_file = \"ca.pem\"

  [policy]
  publish_deny = [\"+/lock/#\"]            # or read_only = true

Every setting stands in the file, in the environment as BITSPERITY_MQTT_NAME, or on the
command line as --set NAME=VALUE; the later is the stronger. `config show` prints all of them
with default, range, unit and source.

Examples:
  bitsperity-mqtt-mcp --read-only                        nothing can be published
  bitsperity-mqtt-mcp --log debug --set max_sessions=10  more sessions, a talkative log on standard error
  bitsperity-mqtt-mcp config show                        what is in force, and from where
  echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}' | bitsperity-mqtt-mcp

A configuration that is wrong does not keep the server from starting: it connects to nothing, and the
tools ping and establish_connection say what is wrong and where; `config show` does, too.

Exit codes: 0 the host closed standard input, or SIGTERM, SIGINT or SIGHUP came; 2 the command line
(or, of a subcommand, the configuration) is wrong; 1 anything else.";

/// MCP server that lets an AI assistant work with MQTT brokers
#[derive(Parser)]
#[command(name = "bitsperity-mqtt-mcp", version, after_long_help = HELP)]
#[command(after_help = "`--help` shows what to paste into an assistant's configuration.")]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    connect: ConnectArgs,
    /// Shows what this process does on a page of this machine, at 127.0.0.1:8090 or the next free port
    #[arg(long, conflicts_with = "connect")]
    page: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Options {
    /// Configuration file [default: $XDG_CONFIG_HOME or ~/.config, then bitsperity-mqtt-mcp/config.toml; may be absent]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// What is logged on standard error: off, error, warn, info, debug, trace [default: warn]
    #[arg(long, value_name = "LEVEL", global = true)]
    log: Option<String>,
    /// The assistant may not publish anything
    #[arg(long, global = true)]
    read_only: bool,
    /// Sets one setting; may be given many times
    #[arg(long, value_name = "NAME=VALUE", global = true)]
    set: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Looks at the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    Serve(ServeArgs),
    /// Asks a running service how it is; exit code 0 if it is well
    Health {
        /// Where it is [default: where `serve` would listen]
        #[arg(value_name = "URL")]
        url: Option<String>,
    },
    Capture(offline::CaptureArgs),
    Prune(offline::PruneArgs),
    Classify(offline::ClassifyArgs),
    Schema(offline::SchemaArgs),
    Selftest(selftest::SelftestArgs),
    /// Plays an assistant's session against a simulated household
    #[cfg(feature = "demo")]
    Demo(bitsperity_mqtt_mcp::demo::DemoArgs),
    /// Plays an assistant's session against a simulated household (not in this build)
    #[cfg(not(feature = "demo"))]
    Demo {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Prints every setting in force with default, range, unit and source; passwords are masked
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl Options {
    fn given(self) -> Given {
        let mut set = self.set;
        set.extend(self.log.map(|level| format!("log={level}")));
        if self.read_only {
            set.push("read_only=true".to_owned());
        }
        Given {
            file: self.config,
            set,
        }
    }
}

fn main() -> ExitCode {
    let started = process::clock::now();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return tell(&told),
    };
    let command = match cli.command {
        #[cfg(not(feature = "demo"))]
        Some(Command::Demo { .. }) => return no_demo(),
        #[cfg(feature = "demo")]
        Some(Command::Demo(args)) => return bitsperity_mqtt_mcp::demo::run(args),
        Some(Command::Prune(args)) => return offline::prune(&args),
        Some(Command::Classify(args)) => return offline::classify(&args),
        Some(Command::Schema(args)) => return offline::schema(&args),
        Some(Command::Selftest(args)) => return selftest::run(&args, &cli.options.given()),
        other => other,
    };
    // A person reads what is wrong here; an assistant asks the server, which must be there for that.
    let load = match command {
        Some(_) => config::load,
        None => config::load_or_broken,
    };
    let loaded = match load(&cli.options.given(), &Environment::of_process()) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&mask(&format!("error: {error}")));
            return ExitCode::from(USAGE);
        }
    };
    bitsperity_mqtt_mcp::log::init(loaded.config.log);
    for warning in &loaded.warnings {
        log::warn!("{warning}");
    }
    match command {
        Some(Command::Config {
            command: ConfigCommand::Show { json },
        }) => show(&loaded, json),
        Some(Command::Capture(args)) => offline::capture(&args, &loaded.config),
        Some(Command::Serve(args)) => {
            let environment = Environment::of_process();
            finish(serve::run(&args, loaded, &environment, started))
        }
        Some(Command::Health { url }) => finish(serve::health(url.as_deref(), &loaded.config)),
        None if cli.connect.is_asked() => {
            let environment = Environment::of_process();
            finish(serve::connect(&cli.connect, &loaded.config, &environment))
        }
        _ => finish(serve_stdio(loaded, cli.page, started)),
    }
}

fn finish(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&mask(&format!("error: {error}")));
            ExitCode::FAILURE
        }
    }
}

fn serve_stdio(loaded: Loaded, page: bool, started: std::time::Instant) -> Result<(), String> {
    if std::io::stdin().is_terminal() {
        complain(
            "This is an MCP server: an AI assistant's host starts it and speaks JSON with it over standard input and \
             output.\nYou started it by hand, so it waits for JSON from your keyboard; Ctrl-C or Ctrl-D ends it. \
             `--help` shows what to\npaste into an assistant's configuration, `config show` what is configured.",
        );
    }
    process::start_executor();
    let config = Arc::new(loaded.config);
    let alone = || resources::Offer::new(tools::State::new(Arc::clone(&config), started));
    let offer = match page {
        // The assistant is served without a page, too.
        true => serve::with_page(&config, started).unwrap_or_else(|error| {
            log::warn!("{error}");
            alone()
        }),
        false => alone(),
    };
    hosts::stdio::serve(offer).map_err(|error| error.to_string())
}

fn show(loaded: &Loaded, json: bool) -> ExitCode {
    let arguments = tools::arguments(&loaded.config);
    let text = if json {
        let mut shown = loaded.show_json();
        shown["arguments"] = arguments;
        format!("{shown:#}\n")
    } else {
        format!("{}{}", loaded.show(), describe_arguments(&arguments))
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // As of `config show | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// As comments: the output of `config show` is a configuration file, and these are not settings.
fn describe_arguments(tools: &serde_json::Value) -> String {
    let mut text = String::from("\n# What the assistant may choose with each call; not settings\n");
    for (tool, arguments) in tools.as_object().into_iter().flatten() {
        for (name, told) in arguments.as_object().into_iter().flatten() {
            text += &format!("# {tool} {name}: {told}\n");
        }
    }
    text
}

#[cfg(not(feature = "demo"))]
fn no_demo() -> ExitCode {
    complain(
        "error: this build has no demo, to stay small. From the sources:\n  cargo run --release --features demo -- demo",
    );
    ExitCode::from(USAGE)
}

/// Help and version to standard output, mistakes in the command line to standard error: they repeat words of it, which
/// may be a connection string.
fn tell(told: &clap::Error) -> ExitCode {
    let text = told.render().to_string();
    if told.use_stderr() {
        complain(mask(text.trim_end()).as_ref());
        return ExitCode::from(USAGE);
    }
    // Nobody reads it: as of `--help | head`.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// For the person or the host that started us; standard output belongs to the protocol.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
