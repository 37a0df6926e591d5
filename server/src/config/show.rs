//! `config show`: everything that is in force, with its default, range, unit and source; secrets masked.

use super::load::Loaded;
use super::policy::RULES;
use super::service;
use super::source::Source;
use super::{NamedBroker, Setting};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// What `tool_prefix` is.
const PREFIX: &str = "put before the name of every tool";

/// Stands for a secret that is set.
const MASK: &str = "********";

impl Loaded {
    fn source(&self, name: &str) -> Source {
        self.sources.get(name).copied().unwrap_or(Source::Default)
    }

    /// For people.
    pub fn show(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        match &self.file {
            Some((path, true)) => writeln!(out, "# {}", path.display())?,
            Some((path, false)) => writeln!(out, "# {} (not there)", path.display())?,
            None => writeln!(out, "# no file: neither HOME nor XDG_CONFIG_HOME is set")?,
        }
        writeln!(
            out,
            "\nlog = \"{}\"   # {}",
            self.level(),
            self.source("log").name()
        )?;
        let (prefix, source) = (&self.config.tool_prefix, self.source("tool_prefix").name());
        writeln!(out, "# {PREFIX}\ntool_prefix = \"{prefix}\"   # {source}")?;
        writeln!(out, "\n[limits]")?;
        for setting in self.config.limits.settings() {
            let Setting {
                name,
                value,
                default,
                min,
                max,
                unit,
                what,
            } = setting;
            let source = self.source(name).name();
            writeln!(
                out,
                "# {what}\n# {min} to {max} {unit}; default {default}; from: {source}"
            )?;
            writeln!(out, "{name} = {value}")?;
        }
        writeln!(out, "\n[policy]")?;
        for rule in RULES {
            let source = self.source(rule.name).name();
            let default = rule.default_value();
            writeln!(out, "# {}\n# default {default}; from: {source}", rule.what)?;
            writeln!(out, "{} = {}", rule.name, rule.value(&self.config.policy))?;
        }
        writeln!(out, "\n[service]   # of `serve`")?;
        for rule in service::RULES {
            let source = self.source(rule.name).name();
            let default = rule.default_value();
            writeln!(out, "# {}\n# default {default}; from: {source}", rule.what)?;
            writeln!(out, "{} = {}", rule.name, rule.value(&self.config.service))?;
        }
        for (name, broker) in &self.config.brokers {
            let source = self.source(&format!("brokers.{name}")).name();
            writeln!(out, "\n[brokers.{name}]   # from: {source}")?;
            for (key, value) in describe(broker) {
                writeln!(out, "{key} = {value}")?;
            }
        }
        for record in &self.config.records {
            let (broker, filters) = (&record.broker, json!(record.filters));
            let source = self.source(&format!("record.{broker}")).name();
            writeln!(
                out,
                "\n[[record]]   # from: {source}\nbroker = \"{broker}\"\nfilters = {filters}"
            )?;
        }
        if self.config.brokers.is_empty() {
            writeln!(
                out,
                "\n# no named brokers; for instance:\n# [brokers.home]\n# url = \"mqtt://192.168.1.7:1883\""
            )?;
            writeln!(
                out,
                "# user = \"me\"\n# password_file = \"~/.mqtt-password\""
            )?;
        }
        Ok(())
    }

    /// For machines.
    pub fn show_json(&self) -> Value {
        let limits = self.config.limits.settings().map(|setting| {
            let Setting {
                name,
                value,
                default,
                min,
                max,
                unit,
                what,
            } = setting;
            let source = self.source(name).name();
            json!({"name": name, "value": number(value), "default": number(default),
                   "min": number(min), "max": number(max),
                   "unit": unit, "source": source, "what": what})
        });
        let rules = RULES.iter().map(|rule| {
            let value = rule.value(&self.config.policy);
            json!({"name": rule.name, "value": value, "default": rule.default_value(),
                   "source": self.source(rule.name).name(), "what": rule.what})
        });
        let served = service::RULES.iter().map(|rule| {
            let value = rule.value(&self.config.service);
            json!({"name": rule.name, "value": value, "default": rule.default_value(),
                   "source": self.source(rule.name).name(), "what": rule.what})
        });
        let log = json!({"name": "log", "value": self.level(), "default": "warn",
            "source": self.source("log").name(), "what": "least severity of what goes to standard error"});
        let settings: Vec<Value> = std::iter::once(log)
            .chain(limits)
            .chain(rules)
            .chain(served)
            .collect();
        let brokers = self.config.brokers.iter().map(|(name, broker)| {
            let mut shown = describe(broker);
            let source = self.source(&format!("brokers.{name}"));
            shown.insert("source".to_owned(), source.name().into());
            (name.clone(), Value::from(shown))
        });
        let brokers: Map<String, Value> = brokers.collect();
        let records = self.config.records.iter().map(|record| {
            let source = self.source(&format!("record.{}", record.broker)).name();
            json!({"broker": record.broker, "filters": record.filters, "source": source})
        });
        let records: Value = records.collect();
        let mut shown = json!({"settings": settings, "brokers": brokers, "record": records});
        if let Some((path, read)) = &self.file {
            shown["file"] = json!({"path": path.display().to_string(), "read": read});
        }
        shown
    }

    fn level(&self) -> String {
        self.config.log.as_str().to_ascii_lowercase()
    }
}

fn describe(broker: &NamedBroker) -> Map<String, Value> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let texts = [
        ("url", Some(without_query(&broker.url))),
        ("user", broker.user_name.clone()),
        (
            "password",
            broker.password.as_ref().map(|_| MASK.to_owned()),
        ),
        ("client_id", broker.client_id.clone()),
        ("ca_file", path(&broker.ca_file)),
        ("client_cert", path(&broker.client_cert)),
        ("client_key", path(&broker.client_key)),
    ];
    let mut shown: Map<String, Value> = texts
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.into())))
        .collect();
    if broker.insecure_tls {
        shown.insert("insecure_tls".to_owned(), true.into());
    }
    shown
}

/// The query of a WebSocket's address may hold a token.
fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((url, _)) => format!("{url}?{MASK}"),
        None => url.to_owned(),
    }
}

/// Without a fraction where there is none.
fn number(value: f64) -> Value {
    // Every whole number of the table is far below 2^53.
    if value.fract() == 0.0 {
        (value as i64).into()
    } else {
        value.into()
    }
}
