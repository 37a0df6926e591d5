//! Arguments by chance, for every tool of `tools/list`: values that the schema allows and values that it does not. Each
//! call is answered, nothing panics, and no password comes back. `ARGUMENT_CALLS` sets how many, `SEED` which.

use crate::support::Client;
use crate::support::mosquitto::{Mosquitto, Options};
use crate::support::random::{Random, rounds, seed};
use serde_json::{Map, Value, json};

const PASSWORD: &str = "Wq7-sorrel-Xy52";

/// Calls in flight at once.
const AT_ONCE: usize = 8;

/// What strings are made of: what means something to one tool or another, and what means nothing to any.
struct Words {
    url: String,
    session: String,
}

impl Words {
    fn text(&self, random: &mut Random) -> String {
        const TEXTS: [&str; 20] = [
            "",
            "#",
            "+/#",
            "plant/1",
            "plant/#/x",
            "$SYS/#",
            "$share/g/plant/#",
            "auto",
            "now",
            "true",
            "1e999",
            "-7",
            "\u{0}",
            "\u{1b}[31m\u{9b}",
            "\u{202e}\u{2066}plant\u{feff}",
            "\u{e0001}\u{e0041}\u{fe0f}",
            "{\"a\":[1,{}]}",
            "../../etc/passwd",
            "mqtt://[::1%25zone",
            "%00%ff%zz",
        ];
        match random.below(8) {
            0 | 1 => self.session.clone(),
            2 => self.url.clone(),
            3 => random.pick(&TEXTS).repeat(1 + random.below(9_000)),
            _ => random.pick(&TEXTS).to_owned(),
        }
    }

    /// Allowed by the schema, but for what a schema does not say of a string.
    fn fitting(&self, random: &mut Random, name: &str, schema: &Value) -> Value {
        if let Some(choices) = schema["enum"].as_array() {
            return choices[random.below(choices.len())].clone();
        }
        let bound = |name: &str, other| schema[name].as_f64().unwrap_or(other);
        match schema["type"].as_str() {
            Some("boolean") => json!(random.once_in(2)),
            Some("integer" | "number") => {
                let (least, most) = (bound("minimum", 0.0), bound("maximum", 1e6));
                let number = random.pick(&[least, most, (least + most) / 2.0, least + 1.0]);
                match schema["type"] == "integer" {
                    true => json!(number.floor() as u64),
                    false => json!(number),
                }
            }
            Some("array") => {
                let count = random.below(4);
                let items = (0..count).map(|_| self.fitting(random, "", &schema["items"]));
                Value::from_iter(items)
            }
            Some("object") => self.object(random, schema, Self::fitting),
            _ if name == "session_id" => json!(self.session),
            _ if name == "connection_string" => json!(self.url),
            _ => json!(self.text(random)),
        }
    }

    /// Of the schema's properties the required ones and some others, each by `value`.
    fn object(
        &self,
        random: &mut Random,
        schema: &Value,
        value: impl Fn(&Self, &mut Random, &str, &Value) -> Value,
    ) -> Value {
        let mut object = Map::new();
        let required = schema["required"].as_array();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.is_some_and(|names| names.contains(&json!(name)));
            if is_required || name == "session_id" || random.once_in(3) {
                object.insert(name.clone(), value(self, random, name, schema));
            }
        }
        Value::Object(object)
    }

    /// Anything at all.
    fn anything(&self, random: &mut Random) -> Value {
        let nested =
            |open: &dyn Fn(Value) -> Value, depth| (0..depth).fold(json!(1), |v, _| open(v));
        // The parser's own limit is 128 levels, of which the request takes four.
        let depth = 1 + random.below(110);
        match random.below(10) {
            0 => Value::Null,
            1 => json!(random.once_in(2)),
            2 => json!(random.pick(&[u64::MAX, 0, 1 << 53, 4_294_967_296])),
            3 => json!(random.pick(&[i64::MIN, -1])),
            4 => json!(random.pick(&[f64::MAX, -f64::MAX, 5e-324, -0.0, 0.5])),
            5 => nested(&|value| json!([value]), depth),
            6 => nested(&|value| json!({"a": value}), depth),
            7 => json!(vec![random.next(); random.below(2_000)]),
            8 => Value::from_iter((0..random.below(300)).map(|n| (n.to_string(), json!(n)))),
            _ => json!(self.text(random)),
        }
    }

    /// Arguments of a tool, as its schema has them or not.
    fn arguments(&self, random: &mut Random, schema: &Value) -> Value {
        let mut arguments = self.object(random, schema, |words, random, name, schema| match random
            .once_in(4)
        {
            true => words.anything(random),
            false => words.fitting(random, name, schema),
        });
        if random.once_in(8) {
            arguments[self.text(random)] = self.anything(random);
        }
        arguments
    }
}

/// An open session: the one there is, or a new one where the tests' calls have closed it.
fn session(client: &mut Client, url: &str) -> String {
    let list = client.call("list_active_connections", json!({}));
    let first = list["structuredContent"]["sessions"][0]["session_id"].as_str();
    match first {
        Some(id) => id.to_owned(),
        None => client.establish(url),
    }
}

fn tools(client: &mut Client) -> Vec<(String, Value)> {
    let list = client.ask("tools/list", json!({}));
    let tools = list["tools"].as_array().expect("tools");
    let each = |tool: &Value| {
        let name = tool["name"].as_str().expect("a name");
        (name.to_owned(), tool["inputSchema"].clone())
    };
    tools.iter().map(each).collect()
}

#[test]
fn arguments_by_chance_are_answered() {
    let broker = Mosquitto::start(&Options {
        password: Some(("lena", PASSWORD)),
        ..Options::default()
    });
    let url = format!("mqtt://lena:{PASSWORD}@127.0.0.1:{}", broker.port);
    let mut client = Client::start(&[
        "--set=call_limit=1",
        "--set=capture_lease=1",
        "--set=connect_timeout=5",
        "--set=max_sessions=16",
    ]);
    client.initialize("2025-11-25");
    let tools = tools(&mut client);
    let wanted = rounds("ARGUMENT_CALLS", 320);
    let mut well = 0;
    for n in 0..wanted.div_ceil(AT_ONCE) {
        let seed = seed() + n as u64;
        let mut random = Random::new(seed);
        let words = Words {
            url: url.clone(),
            session: session(&mut client, &url),
        };
        eprintln!("SEED={seed}");
        let mut begun = Vec::new();
        for k in 0..AT_ONCE {
            let (tool, schema) = &tools[(n * AT_ONCE + k) % tools.len()];
            let arguments = words.arguments(&mut random, schema);
            let params = json!({"name": tool, "arguments": arguments});
            begun.push(client.begin("tools/call", params));
        }
        for id in begun {
            let reply = client.reply(&id);
            assert!(!reply.to_string().contains(PASSWORD), "{reply}");
            let result = &reply["result"];
            well += usize::from(result.is_object() && result["isError"] != true);
        }
    }
    assert_eq!(client.ask("ping", json!({})), json!({}));
    let errors = client.stderr();
    assert!(
        !errors.contains("panic") && !errors.contains("internal fault"),
        "{errors}"
    );
    assert!(!errors.contains(PASSWORD), "{errors}");
    // Otherwise the test reaches only what checks arguments.
    assert!(well > wanted / 8, "{well} of {wanted} calls went well");
}

/// JSON that no `Value` holds: numbers beyond an f64, half a surrogate pair, levels beyond count.
#[test]
fn numbers_and_levels_beyond_bounds_are_answered() {
    let mut client = Client::legacy("2025-11-25");
    let (digits, levels) = ("9".repeat(3_000), "[".repeat(3_000) + &"]".repeat(3_000));
    let values = ["1e999", "-1e999", &digits, &levels, "\"\\ud800\""];
    for (tool, schema) in tools(&mut client) {
        for name in schema["properties"].as_object().into_iter().flatten() {
            for value in values {
                let (id, name) = (json!(format!("{tool} {} {}", name.0, &value[..4])), name.0);
                client.expect_call(&id);
                let line = format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"{name}":{value}}}}}}}"#
                );
                client.send_bytes(format!("{line}\n").as_bytes());
                let reply = client.next();
                assert!(
                    reply.get("error").is_some() || reply["result"]["isError"] == true,
                    "{reply}"
                );
                // Of several lines in a row that are not readable only the first is answered.
                assert_eq!(client.ask("ping", json!({})), json!({}));
            }
        }
    }
    assert!(!client.stderr().contains("panic"), "{}", client.stderr());
}
