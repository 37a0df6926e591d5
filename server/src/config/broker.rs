//! Named brokers: gathered over the layers, then checked as a whole.
//!
//! A password may stand in the url, as `password`, in a file or in a variable of the environment; a stronger layer's word
//! replaces a weaker one's whichever form it has. It ends up [`Sealed`] and nowhere else.

use super::NamedBroker;
use super::source::{ConfigError, Environment, Origin, Raw, Source, world_readable};
use crate::config::target::{Scheme, Target};
use crate::text::spelling::nearest;
use crate::vault::Sealed;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What can be said of a broker.
pub(super) const KEYS: [&str; 10] = [
    "url",
    "user",
    "password",
    "password_file",
    "password_env",
    "client_id",
    "ca_file",
    "client_cert",
    "client_key",
    "insecure_tls",
];

/// Ways to give a password.
const PASSWORDS: [&str; 3] = ["password", "password_file", "password_env"];

const SCHEMES: &str = "must begin with mqtt://, mqtts://, ws:// or wss://, or be host:port";

/// A broker under construction.
#[derive(Default)]
pub(super) struct Draft {
    texts: BTreeMap<&'static str, (String, Origin)>,
    insecure_tls: bool,
}

impl Draft {
    /// Whether a broker has a setting of this name.
    pub(super) fn knows(key: &str) -> bool {
        KEYS.contains(&key)
    }

    /// The variable that holds its password.
    pub(super) fn password_variable(&self) -> Option<&str> {
        self.texts
            .get("password_env")
            .map(|(name, _)| name.as_str())
    }

    /// Whether the configuration file itself holds its password, and does not only say where it is.
    pub(super) fn password_in_file(&self) -> bool {
        let of_file = |key: &str| {
            let entry = self.texts.get(key);
            entry.filter(|(_, origin)| origin.source == Source::File)
        };
        let in_url = |(url, _): &(String, Origin)| url.contains('@');
        of_file("password").is_some() || of_file("url").is_some_and(in_url)
    }

    /// Takes one entry.
    pub(super) fn put(&mut self, key: &str, value: Raw, origin: Origin) -> Result<(), ConfigError> {
        let Some(&key) = KEYS.iter().find(|known| **known == key) else {
            let hint = nearest(key, KEYS).map_or_else(
                || format!("a broker has {}", KEYS.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            return origin.refuse(format!("unknown name; {hint}"));
        };
        if key == "insecure_tls" {
            let Some(truth) = value.truth() else {
                return origin.refuse("must be true or false");
            };
            self.insecure_tls = truth;
            return Ok(());
        }
        let Some(text) = value.text() else {
            return origin.refuse("must be text");
        };
        if PASSWORDS.contains(&key) {
            for other in PASSWORDS.into_iter().filter(|other| *other != key) {
                match self.texts.get(other) {
                    Some((_, weaker)) if weaker.source < origin.source => {
                        self.texts.remove(other);
                    }
                    Some(_) => {
                        return origin.refuse(format!("the password is given by {other}, too"));
                    }
                    None => {}
                }
            }
        }
        self.texts.insert(key, (text, origin));
        Ok(())
    }

    /// Checks it as a whole and reads its password.
    pub(super) fn finish(
        mut self,
        name: &str,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<NamedBroker, ConfigError> {
        let Some((url, origin)) = self.texts.remove("url") else {
            let what = self
                .texts
                .values()
                .next()
                .map_or("", |(_, origin)| &origin.place);
            return Err(ConfigError(format!(
                "{what}: the broker {name} has no url; give it one, for instance mqtt://192.168.1.7:1883"
            )));
        };
        let (url, in_url) = split_url(&Zeroizing::new(url), &origin)?;
        let (user_in_url, password_in_url) = in_url.unzip();
        let password = self.password(environment, warnings)?;
        let user_name = self.texts.remove("user").map(|(user, _)| user);
        let path = |key| {
            self.texts
                .get(key)
                .map(|(text, origin)| origin.path(text, environment))
        };
        Ok(NamedBroker {
            url,
            user_name: user_name.or(user_in_url),
            password: password.or(password_in_url.flatten()),
            client_id: self.texts.get("client_id").map(|(id, _)| id.clone()),
            ca_file: path("ca_file"),
            client_cert: path("client_cert"),
            client_key: path("client_key"),
            insecure_tls: self.insecure_tls,
        })
    }

    fn password(
        &mut self,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Sealed>, ConfigError> {
        if let Some((password, origin)) = self.texts.remove("password") {
            return sealed(password.into_bytes(), &origin).map(Some);
        }
        if let Some((variable, origin)) = self.texts.remove("password_env") {
            return match environment.get(&variable) {
                Some(value) => sealed(value.clone().into_encoded_bytes(), &origin).map(Some),
                // Not repeated: people put the password itself here.
                None => origin.refuse(
                    "the environment has no variable of this name; an assistant's host passes on only what its configuration lists under \"env\"",
                ),
            };
        }
        let Some((file, origin)) = self.texts.remove("password_file") else {
            return Ok(None);
        };
        let path = origin.path(&file, environment);
        if world_readable(&path) && origin.source != Source::Default {
            let path = path.display();
            warnings.push(format!(
                "{path} may be read by every user of this machine and holds a password; chmod 600 {path}"
            ));
        }
        match std::fs::read(&path) {
            Ok(mut bytes) => {
                // An editor ends the line; the newline is not part of the password.
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
                if bytes.last() == Some(&b'\r') {
                    bytes.pop();
                }
                sealed(bytes, &origin).map(Some)
            }
            // Not repeated: people put the password itself here.
            Err(error) => origin.refuse(format!("the file of this name cannot be read: {error}")),
        }
    }
}

/// Seals a password; the bytes are wiped.
fn sealed(bytes: Vec<u8>, origin: &Origin) -> Result<Sealed, ConfigError> {
    let bytes = Zeroizing::new(bytes);
    Sealed::seal(None, Some(&bytes))
        .or_else(|_| origin.refuse("the system gives no random bytes to seal the password with"))
}

/// User name and perhaps password.
type Credentials = (String, Option<Sealed>);

/// Takes the credentials out of a url; what is wrong is said without repeating it.
fn split_url(url: &str, origin: &Origin) -> Result<(String, Option<Credentials>), ConfigError> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return match Target::is_address(url) {
            true => Ok((url.to_owned(), None)),
            false => origin.refuse(SCHEMES),
        };
    };
    if Scheme::of(scheme).is_none() {
        return origin.refuse(SCHEMES);
    }
    let authority_ends = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_ends);
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None if path.split('?').next().is_some_and(|it| it.contains('@')) => {
            return origin.refuse("a '/' in a user name or password must be written as %2F");
        }
        None => (None, authority),
    };
    if host.is_empty() || host.starts_with(':') {
        return origin.refuse("names no host");
    }
    let credentials = user_info.map(|user_info| {
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user_info, None),
        };
        let user = percent_decode_str(user).decode_utf8_lossy().into_owned();
        let password = password.map(|it| sealed(percent_decode_str(it).collect(), origin));
        Ok((user, password.transpose()?))
    });
    Ok((format!("{scheme}://{host}{path}"), credentials.transpose()?))
}
