//! The settings of [`Policy`]: what the assistant may do, and whether it may publish to a topic.

use super::source::{ConfigError, Environment, Origin, Raw};
use super::{Policy, hosts};
use bitsperity_mqtt_core::topic::{self, matches};

/// Why a topic may not be published to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denied {
    /// Nothing may be published.
    ReadOnly,
    /// These Topic Filters are forbidden, and one of them covers the topic.
    Forbidden(Vec<String>),
    /// The audit file cannot be written.
    NoAudit,
    /// Only these Topic Filters are allowed, and none of them covers the topic.
    NotAllowed(Vec<String>),
}

impl Policy {
    /// Whether `topic` may be published to.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn may_publish(&self, topic: &str) -> Result<(), Denied> {
        if self.read_only {
            return Err(Denied::ReadOnly);
        }
        if self.publish_deny.iter().any(|filter| covers(filter, topic)) {
            return Err(Denied::Forbidden(self.publish_deny.clone()));
        }
        let allow = &self.publish_allow;
        if !allow.is_empty() && !allow.iter().any(|filter| matches(filter, topic)) {
            return Err(Denied::NotAllowed(allow.clone()));
        }
        Ok(())
    }
}

/// As a subscription matches, but a leading wildcard covers topics with `$` too: who denies `#` means everything.
fn covers(filter: &str, topic: &str) -> bool {
    let wild = filter.starts_with(['#', '+']);
    matches(filter, topic)
        || (wild
            && topic
                .strip_prefix('$')
                .is_some_and(|rest| matches(filter, &format!("_{rest}"))))
}

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
        name: "share_connections",
        what: "assistants of `serve` that name a configured broker without connecting use one connection together, which none of them can close; each still publishes by its own name in the audit file",
        kind: Kind::Flag(|p| &mut p.share_connections),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str], deny: &[&str]) -> Policy {
        let owned = |filters: &[&str]| filters.iter().map(|f| (*f).to_owned()).collect();
        Policy {
            publish_allow: owned(allow),
            publish_deny: owned(deny),
            ..Policy::default()
        }
    }

    #[test]
    fn deny_is_stronger_than_allow() {
        let policy = policy(&["home/#"], &["home/+/door"]);
        assert!(policy.may_publish("home/1/lamp").is_ok());
        assert!(policy.may_publish("home/1/door").is_err());
        assert!(policy.may_publish("garage/1").is_err());
    }

    #[test]
    fn denying_everything_denies_dollar_topics_too() {
        for filter in ["#", "+/control"] {
            assert!(policy(&[], &[filter]).may_publish("$SYS/control").is_err());
        }
        assert!(policy(&["#"], &[]).may_publish("$SYS/control").is_err());
    }

    #[test]
    fn read_only_forbids_all() {
        let policy = Policy {
            read_only: true,
            ..Policy::default()
        };
        assert_eq!(policy.may_publish("a"), Err(Denied::ReadOnly));
    }
}
