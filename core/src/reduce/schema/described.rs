//! Descriptions say what was received, and what was read in texts has types.

extern crate std;
use super::tests::{Memory, of, schema};
use serde_json::{Value as Json, json};
use std::format;
use std::string::String;

/// The description of the only family, without its `$schema`.
fn described(schemas: &Memory) -> Json {
    let mut text = String::new();
    let family = schemas.families().next().expect("a family");
    family
        .write_description(&mut text)
        .expect("room in a string");
    let mut schema: Json = serde_json::from_str(&text).expect("valid JSON");
    let members = schema.as_object_mut().expect("an object");
    members.shift_remove("$schema");
    schema
}

/// What the texts of the only family hold.
fn read(schemas: &Memory) -> Json {
    let mut text = String::new();
    let family = schemas.families().next().expect("a family");
    family
        .write_text_schema(&mut text)
        .expect("room in a string");
    serde_json::from_str::<Json>(&text).expect("valid JSON")["properties"].clone()
}

#[test]
fn a_description_says_of_values_what_came() {
    let message = |n: u32| {
        let valve = ["open", "closed", "closing"][n as usize % 3];
        format!(
            r#"{{"bar":{}.25,"valve":"{valve}","tag":"qx{:06}"}}"#,
            2 + n % 4,
            n * 7_919
        )
    };
    let found = described(&of((0..60).map(message)))["properties"].clone();
    assert_eq!(found["bar"]["description"], "received 2.25 to 5.25");
    let limits = [&found["bar"]["minimum"], &found["bar"]["maximum"]].map(Json::as_f64);
    assert!(
        limits[0] < Some(2.25) && limits[1] > Some(5.25),
        "{limits:?}"
    );
    assert_eq!(
        found["valve"],
        json!({"enum": ["closed", "closing", "open"]})
    );
    assert_eq!(found["tag"], json!({"type": "string"}));
    // To validate by, half of a pair of words is no enumeration.
    let found = schema(&of((0..60).map(message)))["properties"].clone();
    assert_eq!(found["valve"]["enum"], Json::Null);
    assert!(found["bar"]["maximum"].as_f64() > Some(5.25));
}

#[test]
fn what_is_read_in_texts_has_types() {
    let rows = |make: fn(u32) -> String| read(&of((0..20).map(make)));
    let found = rows(|n| format!("{};{},5;run", 100 + n, n));
    assert_eq!(found["column_1"]["type"], "integer");
    assert_eq!(
        (
            &found["column_2"]["type"],
            &found["column_2"]["description"]
        ),
        (&json!("number"), &json!("received 0.5 to 19.5"))
    );
    assert_eq!(found["column_3"]["const"], "run");
    let found =
        rows(|n| format!("tide,pier=west depth={n}.5,full=true,seen={n}i 17000000000{n:02}"));
    assert_eq!(found["fields"]["properties"]["seen"]["type"], "integer");
    assert_eq!(found["fields"]["properties"]["full"]["type"], "boolean");
    assert_eq!(found["tags"]["properties"]["pier"]["const"], "west");
    let found = rows(|n| format!("# TYPE flow gauge\nflow{{pipe=\"a b\"}} {n}\nopen_valves 3\n"));
    assert_eq!(
        (&found["flow"]["description"], &found["open_valves"]["type"]),
        (&json!("received 0 to 19"), &json!("integer"))
    );
    let found = rows(|n| format!("{n}.5 m³/h"));
    assert_eq!(
        (&found["number"]["description"], &found["unit"]["const"]),
        (&json!("received 0.5 to 19.5"), &json!("m³/h"))
    );
    let found = rows(|n| format!("level: {n}\nmode: drain"));
    assert_eq!(
        (&found["level"]["description"], &found["mode"]["const"]),
        (&json!("received 0 to 19"), &json!("drain"))
    );
}
