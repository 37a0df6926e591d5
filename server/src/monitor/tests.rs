use super::*;
use crate::config::{self, Environment, Given};
use crate::journal::{CallFilter, ClientId, Ended, Journal, Level, Noted};
use async_std::task::block_on;
use serde_json::{Value, json};

pub(super) fn monitor() -> Arc<Monitor> {
    let loaded = config::load(&Given::default(), &Environment::new([]));
    let config = loaded.unwrap_or_else(|why| panic!("{why}")).config;
    let app = App::new(Arc::new(config), Journal::new(), now());
    Monitor::new(app)
}

pub(super) fn request(method: &str, path: &str, body: &str) -> Request<Vec<u8>> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    request.body(body.as_bytes().to_vec()).unwrap()
}

fn asked(monitor: &Monitor, method: &str, path: &str) -> Response<Vec<u8>> {
    block_on(monitor.respond(request(method, path, ""), true))
}

pub(super) fn json_of(response: &Response<Vec<u8>>) -> Value {
    assert_eq!(header(response, "content-type"), "application/json");
    serde_json::from_slice(response.body()).unwrap()
}

fn header<'r>(response: &'r Response<Vec<u8>>, name: &str) -> &'r str {
    response
        .headers()
        .get(name)
        .map_or("", |it| it.to_str().unwrap())
}

pub(super) fn a_call(monitor: &Monitor, tool: &str, outcome: &str, verdict: &str) {
    let journal = &monitor.desk.app.journal;
    let client = ClientId(1);
    if journal.clients().is_empty() {
        journal.client_came(client, "http");
    }
    journal.client_named(client, "tester", "1.0");
    let noted = Noted {
        tool: tool.to_owned(),
        ..Noted::default()
    };
    let ended = Ended {
        took: Duration::from_millis(7),
        listened: Duration::ZERO,
        bytes: 100,
        tokens: 37,
        outcome,
        failed: outcome != "ok",
        verdict,
        result: "{\"a\":1}",
    };
    journal.call(client, noted, ended);
}

/// Each `GET` of the description answers what it describes, and every row of the table is described.
#[test]
fn what_is_served_is_what_is_described() {
    let monitor = monitor();
    a_call(&monitor, "ping", "ok", "all well");
    monitor
        .desk
        .app
        .journal
        .error(Level::Warning, "broker", "lost");
    block_on(monitor.desk.app.tick());
    block_on(monitor.desk.app.tick());
    let description = json_of(&asked(&monitor, "GET", "/api/openapi.json"));
    assert_eq!(description["openapi"], "3.1.0");
    let mut described = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described += 1;
            assert!(
                ROUTES
                    .iter()
                    .any(|row| row.path == path && row.method.eq_ignore_ascii_case(method))
            );
            let Some(content) = operation["responses"]["200"].get("content") else {
                continue;
            };
            let response = asked(&monitor, &method.to_ascii_uppercase(), path);
            assert_eq!(response.status(), 200, "{method} {path}");
            let (kind, told) = content.as_object().unwrap().iter().next().unwrap();
            assert_eq!(header(&response, "content-type"), kind, "{path}");
            if kind == "application/json" {
                let validator = jsonschema::validator_for(&told["schema"]).unwrap();
                let answer = json_of(&response);
                let wrong: Vec<_> = validator
                    .iter_errors(&answer)
                    .map(|it| it.to_string())
                    .collect();
                assert!(wrong.is_empty(), "{path}: {wrong:?} in {answer:#}");
            }
        }
    }
    assert_eq!(described, ROUTES.len());
}

#[test]
fn what_is_not_there_or_not_so_is_told_as_json() {
    let monitor = monitor();
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/.well-known/oauth-protected-resource", 404),
        ("GET", "/api/sessions/", 404),
        ("GET", "/api/sessions/a/b", 404),
        ("DELETE", "/api/sessions/0c0a1b2c", 404),
        ("POST", "/api/sessions", 405),
        ("GET", "/api/sessions/x", 405),
        ("PUT", "/", 405),
        ("BREW", "/metrics", 405),
        ("GET", "/api/live", 426),
        ("GET", "/api/calls?limit=0", 400),
        ("GET", "/api/calls?limit=5&limit=6", 400),
        ("GET", "/api/calls?error=perhaps", 400),
        ("GET", "/api/calls?tol=ping", 400),
        ("GET", "/api/calls?tool=%ff", 400),
        ("GET", "/api/errors?level=info", 400),
        ("GET", "/api/topics?filter=a/%23/b", 400),
        ("GET", "/api/topics?session=x", 404),
        ("GET", "/api/sessions?x=1", 400),
    ] {
        let response = asked(&monitor, method, path);
        assert_eq!(response.status(), status, "{method} {path}");
        let told = json_of(&response);
        assert!(
            told["error"]["message"]
                .as_str()
                .is_some_and(|it| !it.is_empty()),
            "{told}"
        );
        assert_eq!(
            header(&response, "allow").is_empty(),
            status != 405,
            "{method} {path}"
        );
    }
    assert_eq!(
        header(&asked(&monitor, "PATCH", "/api/sessions"), "allow"),
        "GET, HEAD, OPTIONS"
    );
}

#[test]
fn head_and_options_behave() {
    let monitor = monitor();
    let whole = asked(&monitor, "GET", "/api/broker-status");
    let head = asked(&monitor, "HEAD", "/api/broker-status");
    assert_eq!((head.status(), head.body().len()), (whole.status(), 0));
    assert_eq!(
        header(&head, "content-length"),
        whole.body().len().to_string()
    );
    let options = asked(&monitor, "OPTIONS", "/api/log-call");
    assert_eq!(
        (options.status().as_u16(), header(&options, "allow")),
        (204, "POST, OPTIONS")
    );
}

#[test]
fn without_the_token_there_is_the_page_and_nothing_on_it() {
    let monitor = monitor();
    a_call(&monitor, "ping", "ok", "");
    monitor
        .desk
        .app
        .journal
        .error(Level::Error, "x", "a<script>alert(1)</script>");
    for row in ROUTES {
        let path = row.path.replace("{id}", "x");
        let method: Method = row.method.parse().unwrap();
        let public = Monitor::is_public(&method, &path);
        let response = block_on(monitor.respond(request(row.method, &path, ""), false));
        assert_eq!(response.status() == 401, !public, "{} {path}", row.method);
        if !public {
            assert!(header(&response, "www-authenticate").starts_with("Bearer "));
        }
    }
    let page = |trusted| {
        let response = block_on(monitor.respond(request("GET", "/", ""), trusted));
        let policy = header(&response, "content-security-policy").to_owned();
        (String::from_utf8(response.into_body()).unwrap(), policy)
    };
    let (closed, policy) = page(false);
    assert!(!closed.contains("alert(1)") && !closed.contains("<h2>Log</h2>"));
    assert!(
        policy.contains("default-src 'none'") && policy.ends_with("frame-ancestors 'none'"),
        "{policy}"
    );
    let (open, _) = page(true);
    assert!(open.contains("a&lt;script&gt;alert(1)") && !open.contains("<script>alert"));
}

#[test]
fn a_reported_call_is_checked_marked_and_bounded() {
    let monitor = monitor();
    let report =
        |body: &str| block_on(monitor.respond(request("POST", "/api/log-call", body), true));
    let good = json!({"tool": "notes.read", "duration_ms": 12.5, "success": false, "error": "mqtt://a:hunter2@b"});
    for (body, status) in [
        (good.to_string(), 202),
        (String::new(), 400),
        ("[]".to_owned(), 400),
        (json!({"tool": "x", "duration_ms": 1}).to_string(), 400),
        (
            json!({"tool": "x", "duration_ms": -1, "success": true}).to_string(),
            400,
        ),
        (
            json!({"tool": "x", "duration_ms": 1e300, "success": true}).to_string(),
            400,
        ),
        (
            json!({"tool": "x y", "duration_ms": 1, "success": true}).to_string(),
            400,
        ),
        (
            json!({"tool": "x", "duration_ms": 1, "success": true, "more": 1}).to_string(),
            400,
        ),
        (
            json!({"tool": "x", "duration_ms": 1, "success": 1}).to_string(),
            400,
        ),
        (" ".repeat(5_000), 413),
    ] {
        assert_eq!(report(&body).status(), status, "{body}");
    }
    let mut plain = request("POST", "/api/log-call", &good.to_string());
    plain.headers_mut().remove("content-type");
    assert_eq!(block_on(monitor.respond(plain, true)).status(), 415);
    let calls = monitor.desk.app.call_views(&CallFilter::latest(9));
    assert_eq!(calls.len(), 1);
    assert!(calls[0].reported && calls[0].failed && !calls[0].verdict.contains("hunter2"));
    // At most 50 in a second: of 200 in a row some are refused, unless they take four seconds.
    let began = now();
    let refused = (0..200)
        .filter(|_| report(&good.to_string()).status() == 429)
        .count();
    let seconds = began.elapsed().as_secs() as usize + 2;
    assert!(refused + 50 * seconds >= 200, "{refused} in {seconds} s");
    assert!(refused > 0 || seconds >= 4, "{refused}");
}

#[test]
fn calls_can_be_filtered_and_paged() {
    let monitor = monitor();
    for number in 0..6 {
        let (tool, outcome) = if number % 2 == 0 {
            ("ping", "ok")
        } else {
            ("list_topics", "timeout")
        };
        a_call(&monitor, tool, outcome, "");
    }
    let numbers = |query: &str| {
        let calls = json_of(&asked(&monitor, "GET", &format!("/api/calls{query}")));
        let calls = calls.as_array().unwrap().iter();
        calls
            .map(|call| call["number"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(""), [6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers("?tool=ping&limit=2"), [5, 3]);
    assert_eq!(numbers("?error=true&before=6"), [4, 2]);
    assert_eq!(numbers("?error=false&tool=list_topics"), [0; 0]);
}

/// As strict as Prometheus: TYPE, UNIT, HELP before the samples of a family, each family once, `# EOF` at the end.
#[test]
fn metrics_are_open_metrics() {
    let monitor = monitor();
    a_call(&monitor, "ping", "ok", "");
    a_call(&monitor, "odd\"\\\nname", "timeout", "");
    block_on(monitor.desk.app.tick());
    let text = monitor.desk.app.open_metrics();
    assert!(text.ends_with("# EOF\n"));
    let mut families: Vec<(&str, &str)> = Vec::new();
    let mut samples = 0;
    for line in text.lines().take_while(|line| *line != "# EOF") {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "TYPE", name, kind] => {
                assert!(
                    families.iter().all(|(known, _)| *known != name),
                    "{name} twice"
                );
                families.push((name, kind));
            }
            ["#", "UNIT", name, unit] => {
                assert_eq!(families.last().unwrap().0, name);
                assert!(name.ends_with(unit), "{line}");
            }
            ["#", "HELP", name, _] => assert_eq!(families.last().unwrap().0, name),
            _ => {
                samples += 1;
                let (name, kind) = families.last().unwrap();
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let of = sample.split('{').next().unwrap();
                let endings: &[&str] = match *kind {
                    "counter" => &["_total"],
                    "info" => &["_info"],
                    "histogram" => &["_bucket", "_count", "_sum"],
                    _ => &[""],
                };
                assert!(
                    endings.iter().any(|end| of == format!("{name}{end}")),
                    "{line}"
                );
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
    }
    assert!(samples > 40, "{samples}");
    assert!(
        text.contains(r#"bitsperity_mqtt_tool_calls_total{tool="ping",outcome="ok"} 1"#),
        "{text}"
    );
    assert!(
        text.contains(r#"le="0.01"} 1"#) && text.contains(r#"le="0.005"} 0"#),
        "{text}"
    );
    assert!(text.contains(r#"tool="odd\"\\\nname""#), "{text}");
}

/// The description is a contract: a change shows in review. `UPDATE=1` writes it anew.
#[test]
fn the_description_is_the_one_in_the_repository() {
    let mut described = openapi::description();
    described["info"]["version"] = json!("of the program");
    let text = format!("{described:#}\n");
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/contract/openapi.json"
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract")).unwrap();
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == text,
        "the interface has changed; if that is meant, run this test with UPDATE=1"
    );
}
