//! The settings of [`Policy`]: what the assistant may do.

use super::source::{ConfigError, Environment, Origin, Raw};
use super::{Policy, hosts};
use bitsperity_mqtt_core::topic;

/// One rule of the policy.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) kind: Kind,
}

/// What a rule holds.
pub(super) enum Kind {
    /// Yes or no; no by default.
    Flag(fn(&mut Policy) -> &mut bool),
    /// Topic Filters; none by default.
    Filters(fn(&mut Policy) -> &mut Vec<String>),
    /// Host patterns; none by default.
    Hosts(fn(&mut Policy) -> &mut Vec<String>),
    /// Folders; none by default.
    Folders(fn(&mut Policy) -> &mut Vec<std::path::PathBuf>),
}

/// All rules, in the order of `config show`.
pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "read_only",
        what: "nothing may be published",
        kind: Kind::Flag(|p| &mut p.read_only),
    },
    Rule {
        name: "publish_allow",
        what: "Topic Filters that may be published to; empty: all",
        kind: Kind::Filters(|p| &mut p.publish_allow),
    },
    Rule {
        name: "publish_deny",
        what: "Topic Filters that may not be published to; stronger than publish_allow",
        kind: Kind::Filters(|p| &mut p.publish_deny),
    },
    Rule {
        name: "broker_hosts",
        what: "hosts that may be connected to: names (mqtt.lan, *.example.com), addresses (192.168.1.7), networks (192.168.0.0/16, fd00::/8), 192.168.*; numbers never match names; empty: all",
        kind: Kind::Hosts(|p| &mut p.broker_hosts),
    },
    Rule {
        name: "allow_insecure_tls",
        what: "a tool call may ask not to check a broker's certificate",
        kind: Kind::Flag(|p| &mut p.allow_insecure_tls),
    },
    Rule {
        name: "file_roots",
        what: "folders in which a tool call may name certificate files; empty: none",
        kind: Kind::Folders(|p| &mut p.file_roots),
    },
];

impl Rule {
    /// Puts a value in force, in place of the weaker layer's.
    pub(super) fn put(
        &self,
        policy: &mut Policy,
        value: Raw,
        origin: &Origin,
        environment: &Environment,
    ) -> Result<(), ConfigError> {
        if let Kind::Flag(field) = self.kind {
            return match value.truth() {
                Some(truth) => {
                    *field(policy) = truth;
                    Ok(())
                }
                None => origin.refuse("must be true or false"),
            };
        }
        let Some(items) = value.list() else {
            return origin.refuse("must be a list of texts (separated by commas outside the file)");
        };
        match self.kind {
            Kind::Flag(_) => {}
            Kind::Filters(field) => {
                // Told by its place, not repeated: whatever stands here may be a secret by mistake.
                let bad = |item: &String| topic::validate_filter(item).is_err();
                if let Some(at) = items.iter().position(bad) {
                    let at = at + 1;
                    return origin.refuse(format!("item {at} is not a valid Topic Filter"));
                }
                *field(policy) = items;
            }
            Kind::Hosts(field) => {
                for (at, item) in items.iter().enumerate() {
                    if let Err(why) = hosts::check(item) {
                        let (at, forms) = (at + 1, hosts::FORMS);
                        return origin
                            .refuse(format!("item {at} is not a host: {why}; give {forms}"));
                    }
                }
                *field(policy) = items;
            }
            Kind::Folders(field) => {
                let paths = items.iter().map(|item| origin.path(item, environment));
                *field(policy) = paths.collect();
            }
        }
        Ok(())
    }

    /// As `config show` prints it.
    pub(super) fn value(&self, policy: &Policy) -> serde_json::Value {
        // The accessors give places to write to, hence the copy.
        let mut policy = policy.clone();
        match self.kind {
            Kind::Flag(field) => (*field(&mut policy)).into(),
            Kind::Filters(field) | Kind::Hosts(field) => field(&mut policy).clone().into(),
            Kind::Folders(field) => field(&mut policy)
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
        }
    }

    /// As `config show` prints it.
    pub(super) fn default_value(&self) -> serde_json::Value {
        self.value(&Policy::default())
    }
}
