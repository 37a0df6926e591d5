//! What the assistant may ask: one file a tool, each with its arguments, its run and its result type.
//!
//! `arguments` makes the schemas from those types and checks what is given against them, `listening` is what the listening
//! tools share, `session` finds the session that is meant, `error` is how a broker's failure becomes a tool's.
//! Values of the core become JSON in `crate::render`. Nothing here knows the executor, a packet or a transport.

mod arguments;
mod close_connection;
mod debug_device;
mod error;
mod establish_connection;
mod get_topic_schema;
mod list_active_connections;
mod list_devices;
mod list_topics;
mod listening;
mod monitor_performance;
mod ping;
mod publish_message;
mod session;
mod subscribe_and_collect;
mod test_connection;

pub(crate) use arguments::schema::listed;
pub(crate) use arguments::topic::checked_filter;
pub(crate) use establish_connection::place;
pub use listening::capture::Captures;

use crate::app::{self, Listener};
use crate::broker::audit::Audit;
use crate::broker::recorder::Recorder;
use crate::broker::sessions::{Seats, Sessions};
use crate::config::Config;
use crate::protocol::Call;
use crate::protocol::failure::ToolError;
use crate::protocol::service::Answer;
use crate::render;
use futures::FutureExt;
use futures::future::{BoxFuture, Either, ready, select};
use listening::Listens;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

/// What all tools share.
pub struct State {
    /// Configuration in force.
    pub config: Arc<Config>,
    /// Open sessions.
    pub sessions: Arc<Sessions>,
    /// Listening that outlives a call.
    pub captures: Captures,
    /// What the service watches for all assistants.
    pub recorder: Option<Arc<Recorder>>,
    /// Where people see what this process does; none: nowhere.
    pub page: Option<String>,
    /// When the process started.
    pub started: Instant,
    inputs: Arc<OnceLock<Vec<Value>>>,
}

/// What the assistants of one process share: configuration, schemas, and the places for sessions. Each has sessions and
/// captures of its own.
pub struct Shared {
    config: Arc<Config>,
    started: Instant,
    seats: Arc<Seats>,
    audit: Option<Arc<Audit>>,
    recorder: Option<Arc<Recorder>>,
    common: Option<Arc<Sessions>>,
    inputs: Arc<OnceLock<Vec<Value>>>,
}

impl Shared {
    /// Over this configuration.
    pub fn new(
        config: impl Into<Arc<Config>>,
        recorder: Option<Arc<Recorder>>,
        started: Instant,
    ) -> Self {
        let config = config.into();
        let (limits, policy) = (&config.limits, &config.policy);
        let seats = Seats::new(limits.max_sessions_all);
        let common = || Arc::new(Sessions::sharing(limits, policy, &seats));
        Self {
            recorder,
            common: policy.share_connections.then(common),
            seats,
            audit: config.service.audit_file.clone().map(Audit::new),
            config,
            started,
            inputs: Arc::default(),
        }
    }

    /// The sessions that all assistants share; none if the policy does not want it.
    pub fn common(&self) -> Option<&Arc<Sessions>> {
        self.common.as_ref()
    }

    /// For one assistant, which has nothing open yet; `client` names it in the audit file.
    pub fn state(&self, client: &str) -> Arc<State> {
        let (limits, policy) = (&self.config.limits, &self.config.policy);
        let sessions = Sessions::sharing(limits, policy, &self.seats);
        Arc::new(State {
            sessions: Arc::new(
                sessions
                    .audited(self.audit.as_ref(), client)
                    .sharing_names(self.common.as_ref()),
            ),
            captures: Captures::new(limits),
            recorder: self.recorder.clone(),
            page: None,
            config: Arc::clone(&self.config),
            started: self.started,
            inputs: Arc::clone(&self.inputs),
        })
    }
}

impl State {
    /// Nothing open yet.
    pub fn new(config: impl Into<Arc<Config>>, started: Instant) -> Arc<Self> {
        Self::beside(config.into(), None, started)
    }

    /// The same, with a page at this address.
    pub fn with_page(config: Arc<Config>, page: String, started: Instant) -> Arc<Self> {
        Self::beside(config, Some(page), started)
    }

    fn beside(config: Arc<Config>, page: Option<String>, started: Instant) -> Arc<Self> {
        let audit = config.service.audit_file.clone().map(Audit::new);
        let sessions = Sessions::new(&config.limits, &config.policy);
        Arc::new(Self {
            sessions: Arc::new(sessions.audited(audit.as_ref(), "stdio")),
            captures: Captures::new(&config.limits),
            recorder: None,
            page,
            config,
            started,
            inputs: Arc::default(),
        })
    }

    /// The input schema of every tool, in the order of [`list`]; made when first asked for, so that nothing is made at start.
    pub fn inputs(&self) -> &[Value] {
        let make = || list().iter().map(|tool| (tool.input_schema)(&self.config));
        self.inputs.get_or_init(|| make().collect())
    }
}

impl app::Captures for State {
    fn running(&self) -> Vec<Listener> {
        let running = self.captures.running().into_iter();
        running
            .map(|it| Listener {
                id: it.id.clone(),
                tool: it.tool,
                session_id: it.session_id.clone(),
                filters: it.listen.filters.clone(),
                began: SystemTime::now() - it.began.elapsed(),
                lasts: it.listen.duration,
                messages: it.listening.counts().0,
            })
            .collect()
    }

    fn stop(&self, id: &str) -> bool {
        let running = self.captures.running();
        let asked = running.iter().find(|it| it.id == id);
        asked.map(|it| it.listening.end()).is_some()
    }
}

/// A tool as `tools/list` tells it.
pub struct Tool {
    /// `^[a-z_]{1,40}$`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// When to use it and what it costs in time.
    pub description: &'static str,
    /// readOnlyHint, destructiveHint, idempotentHint, openWorldHint.
    pub annotations: Annotations,
    /// Root object, JSON Schema 2020-12.
    pub input_schema: fn(&Config) -> Value,
    /// Root object.
    pub output_schema: fn() -> Value,
    run: for<'a> fn(Request<'a>) -> Running<'a>,
}

type Running<'a> = BoxFuture<'a, Result<Answer, ToolError>>;

/// A call of a tool, its arguments as the assistant gave them.
struct Request<'a> {
    state: &'a Arc<State>,
    schema: &'a Value,
    arguments: Map<String, Value>,
    call: Call,
}

impl<'a> Request<'a> {
    /// Checks the arguments and runs a tool whose result is `O`.
    fn by<A, O, F>(self, run: impl FnOnce(&'a Arc<State>, A, Call) -> F) -> Running<'a>
    where
        A: DeserializeOwned,
        O: Serialize,
        F: Future<Output = Result<O, ToolError>> + Send + 'a,
    {
        let answer = |result: Result<O, _>| to_value(result?).map(Answer::from);
        self.checked(|state, arguments, call| run(state, arguments, call).map(answer).boxed())
    }

    /// Checks the arguments and runs a tool that listens.
    fn by_listening<A: Listens + 'a>(self) -> Running<'a> {
        self.checked(|state, asked, call| listening::run::<A>(state, asked, call).boxed())
    }

    fn checked<A: DeserializeOwned>(
        self,
        run: impl FnOnce(&'a Arc<State>, A, Call) -> Running<'a>,
    ) -> Running<'a> {
        match arguments::check::parse(self.schema, self.arguments) {
            Ok(arguments) => run(self.state, arguments, self.call),
            Err(error) => ready(Err(error)).boxed(),
        }
    }
}

/// Hints of MCP.
#[derive(Clone, Copy, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Changes nothing.
    pub read_only_hint: bool,
    /// May destroy.
    pub destructive_hint: bool,
    /// Twice is as once; said only of what changes something.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub idempotent_hint: bool,
    /// Touches the world outside, which a host takes for granted.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub open_world_hint: bool,
}

impl Annotations {
    const fn reads(world: bool) -> Self {
        Self {
            read_only_hint: true,
            destructive_hint: false,
            idempotent_hint: false,
            open_world_hint: world,
        }
    }
}

/// In the order of `tools/list`.
pub fn list() -> &'static [Tool] {
    &[
        ping::TOOL,
        establish_connection::TOOL,
        list_active_connections::TOOL,
        close_connection::TOOL,
        test_connection::TOOL,
        list_topics::TOOL,
        list_devices::TOOL,
        subscribe_and_collect::TOOL,
        get_topic_schema::TOOL,
        publish_message::TOOL,
        debug_device::TOOL,
        monitor_performance::TOOL,
    ]
}

/// Every argument that has a default or a range, by tool, as the schemas tell it: for `config show`.
pub fn arguments(config: &Config) -> Value {
    const TOLD: [&str; 4] = ["default", "minimum", "maximum", "enum"];
    let tools = list().iter().map(|tool| {
        let schema = (tool.input_schema)(config);
        let properties = schema["properties"].as_object().into_iter().flatten();
        let arguments = properties.filter_map(|(name, property)| {
            let told = TOLD.iter().filter_map(|&word| {
                let value = property.get(word)?.clone();
                Some((word.to_owned(), value))
            });
            let told: Map<String, Value> = told.collect();
            (!told.is_empty()).then(|| (name.clone(), Value::from(told)))
        });
        (tool.name.to_owned(), arguments.collect::<Map<_, _>>())
    });
    let tools = tools.filter(|(_, arguments)| !arguments.is_empty());
    tools
        .map(|(tool, arguments)| (tool, arguments.into()))
        .collect::<Map<String, Value>>()
        .into()
}

/// Runs a tool; `None` if there is none of this name. What is structured in the answer fits the output schema, and
/// no text of the answer can steer a terminal or hide: here, so that no tool forgets one.
pub async fn call(
    state: &Arc<State>,
    name: &str,
    arguments: Map<String, Value>,
    call: Call,
) -> Option<Result<Answer, ToolError>> {
    let mut tools = list().iter().zip(state.inputs());
    let (tool, schema) = tools.find(|(tool, _)| tool.name == name)?;
    let request = Request {
        state,
        schema,
        arguments,
        call,
    };
    Some(match (tool.run)(request).await {
        Ok(mut answer) => {
            answer.structured.iter_mut().for_each(render::clean_all);
            Ok(answer)
        }
        Err(error) => Err(ToolError {
            message: render::clean(&error.message),
            next_step: render::clean(&error.next_step),
            ..error
        }),
    })
}

fn to_value(answer: impl Serialize) -> Result<Value, ToolError> {
    serde_json::to_value(answer).map_err(|error| {
        ToolError::new(
            "internal",
            format!("the result could not be written: {error}"),
            "report this as a bug",
        )
    })
}

/// What `work` gives, unless the caller takes the call back before.
async fn unless_cancelled<T>(call: &Call, work: impl Future<Output = T>) -> Result<T, ToolError> {
    match select(pin!(work), pin!(call.cancelled.recv())).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(_) => Err(ToolError::cancelled()),
    }
}

#[cfg(test)]
mod tests;
