//! What the configuration lets the assistant publish.

use super::ToolError;
use crate::config::Policy;
use bitsperity_mqtt_core::topic::matches;

/// Whether `topic` may be published to.
pub(super) fn may_publish(policy: &Policy, topic: &str) -> Result<(), ToolError> {
    if policy.read_only {
        return Err(ToolError::policy(
            "this server is read-only: its configuration forbids publishing",
            "only listen, or ask the owner to set policy.read_only = false",
        ));
    }
    if policy
        .publish_deny
        .iter()
        .any(|filter| covers(filter, topic))
    {
        return Err(ToolError::policy(
            "this server's configuration forbids publishing to this topic",
            format!("forbidden: {}", policy.publish_deny.join(", ")),
        ));
    }
    let allow = &policy.publish_allow;
    if !allow.is_empty() && !allow.iter().any(|filter| matches(filter, topic)) {
        return Err(ToolError::policy(
            "this server's configuration does not allow publishing to this topic",
            format!("allowed: {}", allow.join(", ")),
        ));
    }
    Ok(())
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
        assert!(may_publish(&policy, "home/1/lamp").is_ok());
        assert!(may_publish(&policy, "home/1/door").is_err());
        assert!(may_publish(&policy, "garage/1").is_err());
    }

    #[test]
    fn denying_everything_denies_dollar_topics_too() {
        for filter in ["#", "+/control"] {
            assert!(may_publish(&policy(&[], &[filter]), "$SYS/control").is_err());
        }
        assert!(may_publish(&policy(&["#"], &[]), "$SYS/control").is_err());
    }

    #[test]
    fn read_only_forbids_all() {
        let policy = Policy {
            read_only: true,
            ..Policy::default()
        };
        assert_eq!(may_publish(&policy, "a").unwrap_err().code, "policy_denied");
    }
}
