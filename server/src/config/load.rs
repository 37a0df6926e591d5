//! Merges the layers: defaults, file, environment, flags. Each layer becomes a list of entries that are applied in order.

use super::broker::Draft;
use super::policy::{self, Rule};
use super::record::Records;
use super::source::{ConfigError, Environment, Origin, Raw, Source, world_readable};
use super::{Config, Limits, Policy, Service, service, table};
use crate::text::spelling::nearest;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Of every environment variable of ours.
const PREFIX: &str = "BITSPERITY_MQTT_";
/// Names the file.
const FILE_VARIABLE: &str = "CONFIG";
/// Holds a secret of `serve`, which reads it itself.
const TOKEN_VARIABLE: &str = "TOKEN";
/// Topic Filters by which the broker that the environment describes is recorded.
const RECORD: &str = "record";
/// The broker that the environment describes.
pub(crate) const DEFAULT_BROKER: &str = "default";

/// What the command line says about configuration.
#[derive(Default)]
pub struct Given {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--set name=value`, in order, with what stands for it (`--log`, `--read-only`).
    pub set: Vec<String>,
}

/// Configuration in force, and where it comes from.
pub struct Loaded {
    /// In force.
    pub config: Config,
    /// Where each setting comes from; what is not in it is a default. Brokers are `brokers.NAME`.
    pub sources: BTreeMap<String, Source>,
    /// The file and whether it was there.
    pub file: Option<(PathBuf, bool)>,
    /// What the user should know; never holds a secret.
    pub warnings: Vec<String>,
}

/// Everything under construction.
struct Merge<'a> {
    config: Config,
    sources: BTreeMap<String, Source>,
    drafts: BTreeMap<String, Draft>,
    records: Records,
    environment: &'a Environment,
}

/// Merges all layers.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(given: &Given, environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut merge = Merge {
        config: Config::default(),
        sources: BTreeMap::new(),
        drafts: BTreeMap::new(),
        records: Records::default(),
        environment,
    };
    let file = merge.file(given.file.as_deref())?;
    merge.variables()?;
    for setting in &given.set {
        merge.flag(setting)?;
    }
    let mut warnings = Vec::new();
    let holds_password = merge.drafts.values().any(Draft::password_in_file);
    for (name, draft) in merge.drafts {
        let broker = draft.finish(&name, environment, &mut warnings)?;
        merge.config.brokers.insert(name, broker);
    }
    merge
        .records
        .finish(&mut merge.config, &mut merge.sources)?;
    if let Some((path, true)) = &file
        && holds_password
        && world_readable(path)
    {
        let path = path.display();
        warnings.push(format!(
            "{path} may be read by every user of this machine and holds a password; chmod 600 {path}"
        ));
    }
    Ok(Loaded {
        config: merge.config,
        sources: merge.sources,
        file,
        warnings,
    })
}

/// The same, but with a file or an environment that is wrong it gives what the command line alone says, and
/// [`Config::broken`] says what is wrong: a server that starts can tell the assistant, one that does not cannot.
///
/// # Errors
/// The command line is wrong.
pub fn load_or_broken(given: &Given, environment: &Environment) -> Result<Loaded, ConfigError> {
    let error = match load(given, environment) {
        Ok(loaded) => return Ok(loaded),
        Err(error) => error,
    };
    let alone = Given {
        file: None,
        set: given.set.clone(),
    };
    let Ok(mut loaded) = load(&alone, &Environment::new([])) else {
        return Err(error);
    };
    loaded.config.broken = Some(crate::text::mask::mask(&error.to_string()).into_owned());
    loaded
        .warnings
        .push(format!("the configuration is not in force: {error}"));
    Ok(loaded)
}

impl Merge<'_> {
    fn file(&mut self, asked: Option<&Path>) -> Result<Option<(PathBuf, bool)>, ConfigError> {
        let named = asked.map(Path::to_owned).or_else(|| {
            let variable = format!("{PREFIX}{FILE_VARIABLE}");
            self.environment.get(&variable).map(PathBuf::from)
        });
        let must_exist = named.is_some();
        let Some(path) = named.or_else(|| self.environment.default_file()) else {
            return Ok(None);
        };
        let place = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => zeroize::Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
                return Ok(Some((path, false)));
            }
            Err(error) => return Err(ConfigError(format!("{place}: {error}"))),
        };
        let table: toml::Table = toml::from_str(&text).map_err(|error| {
            // The error's own `Display` repeats the line, which may hold a password.
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count();
            ConfigError(format!("{place}, line {line}: {}", error.message()))
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        for (section, value) in table {
            self.section(&place, &folder, &section, value)?;
        }
        Ok(Some((path, true)))
    }

    fn section(
        &mut self,
        file: &str,
        folder: &Path,
        section: &str,
        value: toml::Value,
    ) -> Result<(), ConfigError> {
        let origin = |key: &str| Origin {
            source: Source::File,
            place: format!("{file}: {key}"),
            folder: folder.to_owned(),
        };
        let place = origin(section);
        match (section, value) {
            ("log" | TOOL_PREFIX, value) => self.setting(section, Raw::Toml(value), &place),
            ("limits" | "policy" | "service", toml::Value::Table(entries)) => {
                entries.into_iter().try_for_each(|(name, value)| {
                    let place = origin(&format!("{section}.{name}"));
                    if section_of(&name) != Some(section) {
                        return place.refuse(unknown(&name, section));
                    }
                    self.setting(&name, Raw::Toml(value), &place)
                })
            }
            ("brokers", toml::Value::Table(brokers)) => {
                for (broker, entries) in brokers {
                    let place = origin(&format!("brokers.{broker}"));
                    let toml::Value::Table(entries) = entries else {
                        return place.refuse("must be a table: [brokers.NAME] with url = \"…\"");
                    };
                    for (key, value) in entries {
                        let place = origin(&format!("brokers.{broker}.{key}"));
                        self.broker(&broker, &key, Raw::Toml(value), place)?;
                    }
                }
                Ok(())
            }
            (RECORD, toml::Value::Array(entries)) => {
                (1..).zip(entries).try_for_each(|(at, entry)| {
                    let place = origin(&format!("[[record]] number {at}"));
                    self.records.entry(entry, place)
                })
            }
            (RECORD, _) => place.refuse("must be [[record]], with broker and filters"),
            ("limits" | "policy" | "service" | "brokers", _) => place.refuse("must be a table"),
            _ => place.refuse(unknown(section, "")),
        }
    }

    fn variables(&mut self) -> Result<(), ConfigError> {
        let named: Vec<String> = self
            .drafts
            .values()
            .filter_map(Draft::password_variable)
            .map(str::to_owned)
            .collect();
        for (name, value) in self.environment.variables() {
            let Some(name) = name.to_str() else { continue };
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let elsewhere = [FILE_VARIABLE, TOKEN_VARIABLE].contains(&rest);
            if elsewhere || named.iter().any(|variable| variable == name) {
                continue;
            }
            let origin = Origin {
                source: Source::Environment,
                place: name.to_owned(),
                folder: PathBuf::new(),
            };
            let Some(value) = value.to_str() else {
                return origin.refuse("is not UTF-8");
            };
            let value = Raw::Text(value.to_owned());
            let key = rest.to_ascii_lowercase();
            if key == RECORD {
                self.records.put(DEFAULT_BROKER.to_owned(), value, origin)?;
            } else if Draft::knows(&key) && rest == rest.to_ascii_uppercase() {
                self.broker(DEFAULT_BROKER, &key, value, origin)?;
            } else {
                self.setting(&key, value, &origin)?;
            }
        }
        Ok(())
    }

    fn flag(&mut self, setting: &str) -> Result<(), ConfigError> {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(ConfigError(
                "--set wants name=value, for instance --set max_sessions=3".to_owned(),
            ));
        };
        let origin = Origin {
            source: Source::Flag,
            place: match name {
                "log" => "--log".to_owned(),
                name => format!("--set {name}"),
            },
            folder: PathBuf::new(),
        };
        let value = Raw::Text(value.to_owned());
        if let Some((broker, key)) = name
            .strip_prefix("brokers.")
            .and_then(|rest| rest.rsplit_once('.'))
        {
            if key == "password" {
                return origin.refuse(
                    "every user of this machine can read a command line; use password_file or password_env",
                );
            }
            return self.broker(broker, key, value, origin);
        }
        if let Some(broker) = name.strip_prefix("record.") {
            return self.records.put(broker.to_owned(), value, origin);
        }
        let name = match name.split_once('.') {
            Some((section, rest)) if section_of(rest) == Some(section) => rest,
            _ => name,
        };
        self.setting(name, value, &origin)
    }

    fn broker(
        &mut self,
        broker: &str,
        key: &str,
        value: Raw,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if broker.is_empty() || broker.len() > 64 || !broker.bytes().all(valid) {
            return origin.refuse("a broker's name is 1 to 64 letters, digits, '_', '-' or '.'");
        }
        let source = origin.source;
        let draft = self.drafts.entry(broker.to_owned()).or_default();
        draft.put(key, value, origin)?;
        self.sources.insert(format!("brokers.{broker}"), source);
        Ok(())
    }

    /// A setting that is no broker's.
    fn setting(&mut self, name: &str, value: Raw, origin: &Origin) -> Result<(), ConfigError> {
        if let Some(row) = table::rows().find(|row| row.name == name) {
            let put = match value.number() {
                Some(number) => row.put(&mut self.config.limits, number),
                None => Err(row.wanted()),
            };
            if let Err(wanted) = put {
                return origin.refuse(format!("must be {wanted}"));
            }
        } else if let Some(rule) = policy::RULES.iter().find(|rule| rule.name == name) {
            rule.put(&mut self.config.policy, value, origin, self.environment)?;
        } else if let Some(rule) = service::RULES.iter().find(|rule| rule.name == name) {
            rule.put(&mut self.config.service, value, origin, self.environment)?;
        } else if name == "log" {
            let level = value.text().and_then(|text| text.trim().parse().ok());
            let Some(level) = level else {
                return origin.refuse("must be one of off, error, warn, info, debug, trace");
            };
            self.config.log = level;
        } else if name == TOOL_PREFIX {
            let prefix = value.text().filter(|text| is_prefix(text));
            let Some(prefix) = prefix else {
                return origin.refuse("must be at most 24 letters, digits, '_' or '-'");
            };
            self.config.tool_prefix = prefix;
        } else {
            return origin.refuse(unknown(name, ""));
        }
        self.sources.insert(name.to_owned(), origin.source);
        Ok(())
    }
}

/// Put before the names of the tools.
const TOOL_PREFIX: &str = "tool_prefix";

/// Hosts take names of at most 64 such characters, some with the server's name before; our longest has 24.
fn is_prefix(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.len() <= 24 && text.bytes().all(plain)
}

/// The table of the file in which a setting stands.
fn section_of(name: &str) -> Option<&'static str> {
    if table::rows().any(|row| row.name == name) {
        Some("limits")
    } else if policy::RULES.iter().any(|rule| rule.name == name) {
        Some("policy")
    } else if service::RULES.iter().any(|rule| rule.name == name) {
        Some("service")
    } else {
        None
    }
}

fn unknown(name: &str, section: &str) -> String {
    let rows = table::rows().map(|row| row.name);
    let rules = policy::RULES.iter().map(|rule: &Rule| rule.name);
    let served = service::RULES.iter().map(|rule| rule.name);
    let others = [
        "log",
        TOOL_PREFIX,
        "limits",
        "policy",
        "service",
        "brokers",
        RECORD,
    ];
    let brokers = super::broker::KEYS;
    let known = rows
        .chain(rules)
        .chain(served)
        .chain(others)
        .chain(brokers.iter().copied());
    let hint = match nearest(name, known) {
        Some(near) => match section_of(near) {
            Some(place) if near == name => format!("it belongs into [{place}]"),
            Some(place) if section.is_empty() => format!("did you mean {near} (in [{place}])?"),
            _ => format!("did you mean {near}?"),
        },
        None => "`config show` prints every name".to_owned(),
    };
    format!("unknown name; {hint}")
}

impl Default for Config {
    fn default() -> Self {
        Self {
            brokers: BTreeMap::new(),
            limits: Limits::default(),
            policy: Policy::default(),
            service: Service::default(),
            records: Vec::new(),
            log: ::log::LevelFilter::Warn,
            tool_prefix: String::new(),
            broken: None,
        }
    }
}
