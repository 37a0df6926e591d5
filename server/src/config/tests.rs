//! The layers, with files and environments of the tests' own.

use super::*;
use std::ffi::OsString;
use std::fs;

const SECRET: &str = "hunter2-s3cret";

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), file).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self, variables: &[(&str, &str)], set: &[&str]) -> Result<Loaded, ConfigError> {
        let given = Given {
            file: Some(self.path("config.toml")),
            set: set.iter().map(|s| (*s).to_owned()).collect(),
        };
        load(&given, &environment(variables))
    }

    fn refused(&self, variables: &[(&str, &str)], set: &[&str]) -> String {
        match self.load(variables, set) {
            Ok(_) => panic!("taken"),
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains(SECRET), "{text}");
                text
            }
        }
    }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter();
    Environment::new(variables.map(|(k, v)| (OsString::from(k), OsString::from(v))))
}

fn password(loaded: &Loaded, broker: &str) -> Vec<u8> {
    let broker = &loaded.config.brokers[broker];
    let opened = broker.password.as_ref().and_then(Sealed::open).unwrap();
    opened.password().unwrap().to_vec()
}

#[test]
fn what_is_recorded_is_checked_and_shown() {
    const BROKERS: &str =
        "[brokers.barn]\nurl = \"mqtt://10.0.0.4\"\n[brokers.mill]\nurl = \"mqtt://10.0.0.5\"\n";
    let scene = |records: &str| Scene::new(&format!("{BROKERS}{records}"));
    let two = "[[record]]\nbroker = \"mill\"\n[[record]]\nbroker = \"barn\"\nfilters = [\"cow/+\", \"hen/#\"]";
    let loaded = scene(two)
        .load(&[], &["record.mill=wheel/#, sluice"])
        .unwrap();
    let record = |broker: &str, filters: &[&str]| Record {
        broker: broker.to_owned(),
        filters: filters.iter().map(|it| (*it).to_owned()).collect(),
    };
    let expected = [
        record("barn", &["cow/+", "hen/#"]),
        record("mill", &["wheel/#", "sluice"]),
    ];
    assert_eq!(loaded.config.records, expected);
    let shown = loaded.show_json();
    assert_eq!(shown["record"][1]["source"], "flag");
    assert_eq!(shown["record"][0]["filters"][0], "cow/+");
    // What is shown for people can be read again.
    let again = Scene::new(&loaded.show()).load(&[], &[]).unwrap();
    assert_eq!(again.config.records, expected);
    let all = scene("[[record]]\nbroker = \"mill\"")
        .load(&[], &[])
        .unwrap();
    assert_eq!(all.config.records, [record("mill", &["#"])]);
    let none = scene(two)
        .load(&[], &["record.mill=", "record.barn="])
        .unwrap();
    assert!(none.config.records.is_empty());
    let url = ("BITSPERITY_MQTT_URL", "mqtt://10.0.0.6");
    let of_environment = [url, ("BITSPERITY_MQTT_RECORD", "a/#")];
    let loaded = scene("").load(&of_environment, &[]).unwrap();
    assert_eq!(loaded.config.records, [record("default", &["a/#"])]);
    for (wrong, hint) in [
        ("broker = \"mil\"", "configured: barn, mill"),
        ("brokers = \"mill\"", "did you mean broker?"),
        ("filters = [\"#\"]", "needs broker"),
        ("broker = \"mill\"\nfilters = [\"#/a\"]", "no Topic Filter"),
        (
            "broker = \"mill\"\nfilters = [\"a\", \"b\", \"c\", \"d\", \"e\"]",
            "at most 4",
        ),
        ("broker = \"mill\"\nfilters = 7", "must be a list"),
        (
            "broker = \"mill\"\n[[record]]\nbroker = \"mill\"",
            "second time",
        ),
    ] {
        let refused = scene(&format!("[[record]]\n{wrong}")).refused(&[], &[]);
        assert!(
            refused.contains(hint) && refused.contains("record"),
            "{refused}"
        );
    }
    let refused = Scene::new("record = 1").refused(&[], &[]);
    assert!(refused.contains("[[record]]"), "{refused}");
}

#[test]
fn the_later_layer_is_the_stronger() {
    let scene = Scene::new(
        "log = \"info\"\n[limits]\nmax_sessions = 2\nsession_idle = 20.5\nmax_captures = 3\n[policy]\nread_only = false",
    );
    let variables = [
        ("BITSPERITY_MQTT_SESSION_IDLE", "30"),
        ("BITSPERITY_MQTT_MAX_CAPTURES", "4"),
        ("BITSPERITY_MQTT_MAX_LINE", ""),
        ("OTHER", "x"),
    ];
    let loaded = scene
        .load(&variables, &["limits.max_captures=5", "read_only=true"])
        .unwrap();
    let limits = &loaded.config.limits;
    assert_eq!(limits.max_sessions, 2);
    assert_eq!(limits.session_idle, 30.0);
    assert_eq!(limits.max_captures, 5);
    assert_eq!(limits.max_line, Limits::default().max_line);
    assert!(loaded.config.policy.read_only);
    assert_eq!(loaded.config.log, ::log::LevelFilter::Info);
    let source = |name: &str| loaded.sources.get(name).copied();
    assert_eq!(source("max_sessions"), Some(Source::File));
    assert_eq!(source("session_idle"), Some(Source::Environment));
    assert_eq!(source("max_captures"), Some(Source::Flag));
    assert_eq!(source("max_line"), None);
}

#[test]
fn unknown_names_are_refused_with_a_suggestion() {
    for (file, hint) in [
        (
            "[limits]\nmax_session = 3",
            "limits.max_session: unknown name; did you mean max_sessions?",
        ),
        ("[policy]\nreadonly = true", "did you mean read_only?"),
        ("read_only = true", "it belongs into [policy]"),
        ("[limit]\nmax_sessions = 3", "did you mean limits?"),
        ("[limits]\nread_only = true", "it belongs into [policy]"),
        (
            "[brokers.a]\nurl = \"mqtt://h\"\npasword = \"x\"",
            "did you mean password?",
        ),
        ("xylophone = 1", "`config show` prints every name"),
    ] {
        let error = Scene::new(file).refused(&[], &[]);
        assert!(error.contains(hint), "{error}");
    }
    let scene = Scene::new("");
    let error = scene.refused(&[("BITSPERITY_MQTT_READONLY", "1")], &[]);
    assert!(
        error.contains("BITSPERITY_MQTT_READONLY: unknown name; did you mean read_only"),
        "{error}"
    );
    let error = scene.refused(&[], &["max_lines=1"]);
    assert!(
        error.contains("--set max_lines: unknown name; did you mean max_line"),
        "{error}"
    );
}

#[test]
fn wrong_values_are_refused_with_what_would_be_right() {
    for (file, hint) in [
        (
            "[limits]\nmax_sessions = 0",
            "must be a whole number from 1 to 64 (sessions)",
        ),
        ("[limits]\nmax_sessions = 1.5", "must be a whole number"),
        ("[limits]\nmax_sessions = \"3\"", "must be a whole number"),
        ("limits = 3", "must be a table"),
        ("log = \"loud\"", "must be one of off, error"),
        ("[policy]\nread_only = \"yes\"", "must be true or false"),
        (
            "[policy]\npublish_deny = [\"a/#/b\"]",
            "is not a valid Topic Filter",
        ),
        ("[policy]\nbroker_hosts = [\"mqtt://h\"]", "is not a host"),
        ("[brokers.a]\nuser = \"me\"", "the broker a has no url"),
        ("[brokers.a]\nurl = \"http://h\"", "must begin with mqtt://"),
        ("[brokers.a]\nurl = \"mqtt://:1883\"", "names no host"),
        (
            "[brokers.\"a b\"]\nurl = \"mqtt://h\"",
            "a broker's name is",
        ),
        ("\n\nmax = = 3", "config.toml, line 3:"),
    ] {
        let error = Scene::new(file).refused(&[], &[]);
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn a_broken_file_does_not_spill_its_passwords() {
    for file in [
        format!("[brokers.a]\nurl = \"mqtt://h\"\npassword = \"{SECRET}\" oops"),
        format!("[brokers.a]\nurl = \"mqtt://me:{SECRET}@\""),
        format!("[brokers.a]\nurl = \"mqtt://me:{SECRET}/x@h\""),
        format!("[brokers.a]\nurl = \"me:{SECRET}@h\""),
        format!("[brokers.a]\nurl = \"mqtt://h\"\npassword = [\"{SECRET}\"]"),
        format!("[brokers.a]\nurl = \"mqtt://h\"\npassword = \"{SECRET}\"\npassword_env = \"X\""),
    ] {
        Scene::new(&file).refused(&[], &[]);
    }
    let flag = format!("brokers.a.password={SECRET}");
    let error = Scene::new("").refused(&[], &["brokers.a.url=mqtt://h", &flag]);
    assert!(error.contains("password_file or password_env"), "{error}");
}

#[test]
fn a_password_comes_from_the_url_the_file_a_file_or_the_environment() {
    let scene = Scene::new(
        "[brokers.url]\nurl = \"mqtts://me:p%40ss%2Fword@[::1]:8883/id\"\n\
         [brokers.plain]\nurl = \"mqtt://h\"\nuser = \"you\"\npassword = \"0pen-pw\"\n\
         [brokers.file]\nurl = \"ws://h/mqtt\"\npassword_file = \"secret\"\nca_file = \"ca.pem\"\n\
         [brokers.env]\nurl = \"mqtt://h\"\npassword_env = \"BITSPERITY_MQTT_PW\"",
    );
    fs::write(scene.path("secret"), "from file\r\n").unwrap();
    let variables = [
        ("BITSPERITY_MQTT_PW", "from env"),
        ("BITSPERITY_MQTT_URL", "mqtt://box"),
        ("BITSPERITY_MQTT_USER", "alice"),
        ("BITSPERITY_MQTT_PASSWORD", "from default"),
    ];
    let loaded = scene.load(&variables, &[]).unwrap();
    let brokers = &loaded.config.brokers;
    assert_eq!(brokers["url"].url, "mqtts://[::1]:8883/id");
    assert_eq!(brokers["url"].user_name.as_deref(), Some("me"));
    assert_eq!(password(&loaded, "url"), b"p@ss/word");
    assert_eq!(password(&loaded, "plain"), b"0pen-pw");
    assert_eq!(password(&loaded, "file"), b"from file");
    assert_eq!(brokers["file"].ca_file, Some(scene.path("ca.pem")));
    assert_eq!(password(&loaded, "env"), b"from env");
    assert_eq!(brokers["default"].user_name.as_deref(), Some("alice"));
    assert_eq!(password(&loaded, "default"), b"from default");
    for shown in [loaded.show(), loaded.show_json().to_string()] {
        for secret in [
            "p@ss",
            "p%40ss",
            "0pen-pw",
            "from file",
            "from env",
            "from default",
        ] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("mqtts://[::1]:8883/id"));
        assert!(shown.contains("********"));
    }
}

#[test]
fn a_stronger_layers_password_replaces_a_weaker_ones_whatever_its_form() {
    let scene = Scene::new("[brokers.default]\nurl = \"mqtt://h\"\npassword_file = \"absent\"");
    let loaded = scene
        .load(&[("BITSPERITY_MQTT_PASSWORD", "new")], &[])
        .unwrap();
    assert_eq!(password(&loaded, "default"), b"new");
    let error = scene.refused(&[], &[]);
    assert!(error.contains("brokers.default.password_file: "), "{error}");
}

#[cfg(unix)]
#[test]
fn warns_of_a_file_with_a_password_that_everybody_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new("[brokers.a]\nurl = \"mqtt://me:pw@h\"");
    for (mode, warnings) in [(0o644, 1), (0o640, 0), (0o600, 0)] {
        fs::set_permissions(scene.path("config.toml"), fs::Permissions::from_mode(mode)).unwrap();
        let loaded = scene.load(&[], &[]).unwrap();
        assert_eq!(
            loaded.warnings.len(),
            warnings,
            "{mode:o}: {:?}",
            loaded.warnings
        );
    }
}

#[test]
fn the_default_file_may_be_absent_a_named_one_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let loaded = load(&Given::default(), &environment(&[("HOME", home)])).unwrap();
    let expected = folder
        .path()
        .join(".config/bitsperity-mqtt-mcp/config.toml");
    assert_eq!(loaded.file, Some((expected.clone(), false)));
    fs::create_dir_all(expected.parent().unwrap()).unwrap();
    fs::write(&expected, "[limits]\nmax_sessions = 3").unwrap();
    let loaded = load(&Given::default(), &environment(&[("HOME", home)])).unwrap();
    assert_eq!(loaded.config.limits.max_sessions, 3);
    let named = Given {
        file: Some(folder.path().join("none.toml")),
        ..Given::default()
    };
    assert!(load(&named, &environment(&[])).is_err());
    assert!(
        load(&Given::default(), &environment(&[]))
            .unwrap()
            .file
            .is_none()
    );
}

#[test]
fn what_is_shown_is_itself_a_configuration() {
    let scene = Scene::new("[limits]\nmax_sessions = 7\n[policy]\npublish_deny = [\"a/#\", \"b\"]");
    let shown = scene.load(&[], &[]).unwrap().show();
    let again = Scene::new(&shown).load(&[], &[]).unwrap();
    assert_eq!(again.config.limits.max_sessions, 7);
    assert_eq!(again.config.policy.publish_deny, ["a/#", "b"]);
    let names = shown
        .lines()
        .filter(|line| line.contains("; from: "))
        .count();
    assert_eq!(
        names,
        table::rows().count() + policy::RULES.len() + service::RULES.len()
    );
}

#[test]
fn what_a_form_left_empty_is_not_set() {
    let scene = Scene::new("");
    let left = [
        ("BITSPERITY_MQTT_URL", "${user_config.url}"),
        ("BITSPERITY_MQTT_PASSWORD", "${user_config.password}"),
        ("BITSPERITY_MQTT_READ_ONLY", ""),
    ];
    let loaded = scene.load(&left, &[]).unwrap();
    assert!(loaded.config.brokers.is_empty());
    assert!(loaded.sources.is_empty());
}

#[cfg(unix)]
#[test]
fn only_a_file_that_holds_a_password_must_be_private() {
    use std::os::unix::fs::PermissionsExt;
    let warned = |entries: &str| {
        let scene = Scene::new(&format!("[brokers.home]\n{entries}\n"));
        let mode = |name: &str, bits| {
            fs::set_permissions(scene.path(name), fs::Permissions::from_mode(bits)).unwrap();
        };
        fs::write(scene.path("secret"), SECRET).unwrap();
        mode("secret", 0o600);
        mode("config.toml", 0o644);
        scene.load(&[], &[]).unwrap().warnings
    };
    let elsewhere = warned("url = \"mqtt://h\"\nuser = \"me\"\npassword_file = \"secret\"");
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    for inside in [
        format!("url = \"mqtt://h\"\nuser = \"me\"\npassword = \"{SECRET}\""),
        format!("url = \"mqtt://me:{SECRET}@h\""),
    ] {
        let warnings = warned(&inside);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("chmod 600") && !warnings[0].contains(SECRET));
    }
}
