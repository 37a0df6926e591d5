//! The command line.

use crate::support::client::run;
use serde_json::Value;

#[test]
fn help_says_what_to_paste_and_fits_a_terminal() {
    let (code, out, err) = run(&["--help"], &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for word in [
        "mcpServers",
        "BITSPERITY_MQTT_URL",
        "claude mcp add",
        "config show",
        "Exit codes",
        "publish_deny",
    ] {
        assert!(out.contains(word), "{word} is missing");
    }
    let widest = out.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 120, "{widest} columns");
    let (code, out, _) = run(&["--version"], &[]);
    assert_eq!(code, Some(0));
    assert_eq!(
        out,
        format!("bitsperity-mqtt-mcp {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn what_is_wrong_with_command_line_or_configuration_exits_with_2() {
    for (arguments, environment, hint) in [
        (vec!["--no-such"], vec![], "--no-such"),
        (
            vec!["--set", "max_sesions=3"],
            vec![],
            "did you mean max_sessions",
        ),
        (vec!["--set", "max_sessions"], vec![], "name=value"),
        (vec!["--log", "loud"], vec![], "off, error, warn"),
        (
            vec!["config", "show", "--config", "no-such-file.toml"],
            vec![],
            "no-such-file.toml",
        ),
        (
            vec!["config", "show"],
            vec![("BITSPERITY_MQTT_MAX_LINE", "many")],
            "BITSPERITY_MQTT_MAX_LINE",
        ),
        (
            vec!["config", "show"],
            vec![("BITSPERITY_MQTT_PASSWORD", "hunter2")],
            "no url",
        ),
        (vec!["demo", "--hold"], vec![], "--features demo"),
    ] {
        if cfg!(feature = "demo") && arguments.first() == Some(&"demo") {
            continue;
        }
        let (code, out, err) = run(&arguments, &environment);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.contains(hint) && !err.contains("hunter2"), "{err}");
    }
}

#[test]
fn config_show_tells_every_setting_and_no_secret() {
    let environment = [
        ("BITSPERITY_MQTT_URL", "mqtts://me:hunter2@box:8883"),
        ("BITSPERITY_MQTT_MAX_SESSIONS", "7"),
    ];
    let (code, out, err) = run(&["config", "show", "--read-only"], &environment);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(
        out.contains("url = \"mqtts://box:8883\"") && !out.contains("hunter2"),
        "{out}"
    );
    let (code, out, _) = run(&["config", "show", "--json", "--read-only"], &environment);
    assert_eq!(code, Some(0));
    assert!(!out.contains("hunter2"));
    let shown: Value = serde_json::from_str(&out).unwrap();
    let settings = shown["settings"].as_array().unwrap();
    let of = |name: &str| {
        settings
            .iter()
            .find(|setting| setting["name"] == name)
            .unwrap()
    };
    assert_eq!(of("max_sessions")["value"], 7);
    assert_eq!(of("max_sessions")["source"], "environment");
    assert_eq!(of("read_only")["value"], true);
    assert_eq!(of("read_only")["source"], "flag");
    assert_eq!(of("max_line")["source"], "default");
    assert_eq!(shown["brokers"]["default"]["user"], "me");
    assert_eq!(shown["brokers"]["default"]["password"], "********");
}
