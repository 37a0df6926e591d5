//! Where configuration comes from: layers, values before they are typed, paths, the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Of our folders.
const OUR_NAME: &str = "bitsperity-mqtt-mcp";

/// A layer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// Built in.
    Default,
    /// The TOML file.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    Flag,
}

impl Source {
    /// As `config show` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// What is wrong with the configuration, where, and what would be right; never with a secret.
#[derive(PartialEq, Eq, Debug)]
pub struct ConfigError(pub(super) String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// A value before it is known what it is for: typed from the file, text from elsewhere.
pub(super) enum Raw {
    Toml(toml::Value),
    Text(String),
}

impl Raw {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Toml(toml::Value::Integer(number)) => Some(*number as f64),
            Self::Toml(toml::Value::Float(number)) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Toml(_) => None,
        }
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Toml(toml::Value::Boolean(truth)) => Some(*truth),
            Self::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
            Self::Toml(_) => None,
        }
    }

    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Toml(toml::Value::String(text)) | Self::Text(text) => Some(text),
            Self::Toml(_) => None,
        }
    }

    pub(super) fn list(self) -> Option<Vec<String>> {
        match self {
            Self::Toml(toml::Value::Array(items)) => items
                .into_iter()
                .map(|item| Self::Toml(item).text())
                .collect(),
            Self::Text(text) => Some(
                text.split(',')
                    .map(|item| item.trim().to_owned())
                    .filter(|item| !item.is_empty())
                    .collect(),
            ),
            Self::Toml(_) => None,
        }
    }
}

/// Where an entry stands.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) source: Source,
    /// For messages: `config.toml: limits.max_line`, `BITSPERITY_MQTT_MAX_LINE`, `--set max_line`.
    pub(super) place: String,
    /// Relative paths count from here.
    pub(super) folder: PathBuf,
}

impl Origin {
    pub(super) fn refuse<T>(&self, why: impl fmt::Display) -> Result<T, ConfigError> {
        Err(ConfigError(format!("{}: {why}", self.place)))
    }

    /// A path of the configuration: `~/` is the home, what is relative counts from the file.
    pub(super) fn path(&self, text: &str, environment: &Environment) -> PathBuf {
        match (text.strip_prefix("~/"), environment.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.folder.join(text),
        }
    }
}

/// The environment; variables set to nothing count as not set.
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// Of these variables. An empty one is not set, nor is one that still names a field of the host's form
    /// (`${user_config.url}`): so hosts of bundles hand on what the user left empty.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let unset = |value: &OsString| {
            let value = value.as_encoded_bytes();
            value.is_empty() || value.starts_with(b"${user_config.")
        };
        let set = variables.into_iter().filter(|(_, value)| !unset(value));
        Self(set.collect())
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(&OsString::from(name))
    }

    pub(super) fn home(&self) -> Option<PathBuf> {
        let home = self.get("HOME").or_else(|| self.get("USERPROFILE"))?;
        Some(PathBuf::from(home))
    }

    fn folder(&self, variable: &str) -> Option<PathBuf> {
        let folder = PathBuf::from(self.get(variable)?);
        // systemd may name several, separated by colons; ours is one.
        folder.is_absolute().then_some(folder)
    }

    /// Where what outlives the process is kept, unless `state_dir` says otherwise.
    pub fn state_dir(&self) -> Option<PathBuf> {
        if let Some(given) = self.folder("STATE_DIRECTORY") {
            return Some(given);
        }
        let base = match self.folder("XDG_STATE_HOME") {
            Some(base) => base,
            None => self.home()?.join(".local").join("state"),
        };
        Some(base.join(OUR_NAME))
    }

    /// The Unix socket, unless `socket` says otherwise.
    pub fn socket(&self) -> Option<PathBuf> {
        let given = self.folder("RUNTIME_DIRECTORY");
        let of_user = || Some(self.folder("XDG_RUNTIME_DIR")?.join(OUR_NAME));
        let folder = given.or_else(of_user).or_else(|| self.state_dir())?;
        Some(folder.join("socket"))
    }

    /// The token for HTTP that the environment holds.
    pub fn token(&self) -> Option<Zeroizing<String>> {
        let token = self.get("BITSPERITY_MQTT_TOKEN")?.to_str()?;
        Some(Zeroizing::new(token.to_owned()))
    }

    pub(super) fn default_file(&self) -> Option<PathBuf> {
        let base = match self.get("XDG_CONFIG_HOME") {
            Some(base) => PathBuf::from(base),
            None => self.home()?.join(".config"),
        };
        Some(base.join(OUR_NAME).join("config.toml"))
    }
}

#[cfg(unix)]
pub(super) fn world_readable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
pub(super) fn world_readable(_: &Path) -> bool {
    false
}
