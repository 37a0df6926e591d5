//! `[[record]]`: brokers that the service watches from its start, each with the Topic Filters it watches.

use super::Config;
use super::source::{ConfigError, Origin, Raw, Source};
use crate::text::spelling::nearest;
use bitsperity_mqtt_core::topic::validate_filter;
use std::collections::BTreeMap;

/// What can be said of a record.
const KEYS: [&str; 2] = ["broker", "filters"];

/// Filters that one session watches.
pub const MAX_FILTERS: usize = 4;

/// Brokers that are recorded; each costs as much memory as a session that watches.
const MAX_RECORDS: usize = 16;

/// A broker that the service watches from its start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its name among the brokers of the configuration.
    pub broker: String,
    /// Topic Filters.
    pub filters: Vec<String>,
}

/// Records under construction, by broker: a stronger layer's word replaces a weaker one's.
#[derive(Default)]
pub(super) struct Records(BTreeMap<String, (Vec<String>, Origin)>);

impl Records {
    /// An entry of the file's `[[record]]`.
    pub(super) fn entry(&mut self, value: toml::Value, origin: Origin) -> Result<(), ConfigError> {
        let toml::Value::Table(mut entry) = value else {
            return origin.refuse("must be [[record]] with broker = \"…\" and filters = [\"#\"]");
        };
        let (broker, filters) = (entry.remove(KEYS[0]), entry.remove(KEYS[1]));
        if let Some(other) = entry.keys().next() {
            let hint = nearest(other, KEYS).unwrap_or("broker or filters");
            return origin.refuse(format!("has a name that is unknown; did you mean {hint}?"));
        }
        let Some(broker) = broker.and_then(|broker| Raw::Toml(broker).text()) else {
            return origin
                .refuse("needs broker = \"…\", the name of a broker of the configuration");
        };
        if self.0.contains_key(&broker) {
            return origin
                .refuse("names a broker for the second time; give all its filters at once");
        }
        let filters = filters.map_or_else(|| Raw::Text("#".to_owned()), Raw::Toml);
        self.put(broker, filters, origin)
    }

    /// The filters of a broker; none end its record.
    pub(super) fn put(
        &mut self,
        broker: String,
        filters: Raw,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let Some(filters) = filters.list() else {
            return origin.refuse("filters must be a list of Topic Filters, such as [\"#\"]");
        };
        if filters.len() > MAX_FILTERS {
            return origin.refuse(format!(
                "a broker is recorded by at most {MAX_FILTERS} filters"
            ));
        }
        for filter in &filters {
            if let Err(why) = validate_filter(filter) {
                return origin.refuse(format!("{filter:?} is no Topic Filter: {why}"));
            }
        }
        if filters.is_empty() {
            self.0.remove(&broker);
        } else {
            self.0.insert(broker, (filters, origin));
        }
        Ok(())
    }

    /// Checks them as a whole, and puts them in force.
    pub(super) fn finish(
        self,
        config: &mut Config,
        sources: &mut BTreeMap<String, Source>,
    ) -> Result<(), ConfigError> {
        for (at, (broker, (filters, origin))) in self.0.into_iter().enumerate() {
            if !config.brokers.contains_key(&broker) {
                let names = config.brokers.keys().map(String::as_str);
                let known: Vec<_> = names.collect();
                let known = match known.is_empty() {
                    true => "none is configured".to_owned(),
                    false => format!("configured: {}", known.join(", ")),
                };
                return origin.refuse(format!(
                    "{broker:?} is no broker of the configuration; {known}"
                ));
            }
            if at >= MAX_RECORDS {
                return origin.refuse(format!("at most {MAX_RECORDS} brokers are recorded"));
            }
            sources.insert(format!("record.{broker}"), origin.source);
            config.records.push(Record { broker, filters });
        }
        Ok(())
    }
}
