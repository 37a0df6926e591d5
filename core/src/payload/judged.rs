//! Topic, payload and what should be said of them: shapes of widely used systems, beside the development set.

#![allow(clippy::print_stderr)] // what was measured, shown when a test is asked to show it
extern crate std;
use super::{Severity, inspect};
use std::eprintln;

#[rustfmt::skip]
const JUDGED: &[(&str, &str, Severity)] = &[
    ("zigbee2mqtt/bridge/logging", r#"{"level":"error","message":"Publish 'set' 'state' to 'lamp' failed"}"#, Severity::Error),
    ("zigbee2mqtt/bridge/logging", r#"{"level":"info","message":"MQTT publish: topic 'x', payload '{\"error\":1}'"}"#, Severity::None),
    ("zigbee2mqtt/lamp/availability", r#"{"state":"offline"}"#, Severity::Error),
    ("zigbee2mqtt/bridge/response/device/rename", r#"{"data":{},"error":"no such device","status":"error"}"#, Severity::Error),
    ("zigbee2mqtt/leak", r#"{"water_leak":true,"battery_low":false}"#, Severity::Error),
    ("zigbee2mqtt/leak", r#"{"water_leak":false,"battery_low":true}"#, Severity::Warning),
    ("homie/dev/$state", "lost", Severity::Error),
    ("homie/dev/$state", "alert", Severity::Error),
    ("homie/dev/$state", "sleeping", Severity::None),
    ("home/alarm/state", "armed_away", Severity::None),
    ("home/alarm/state", "triggered", Severity::Error),
    ("home/pump/problem/state", "ON", Severity::Error),
    ("home/pump/problem/state", "OFF", Severity::None),
    ("$iothub/twin/res/404/?$rid=1", "", Severity::None),
    ("$iothub/twin/res/404/?$rid=1", r#"{"Message":"x"}"#, Severity::Error),
    ("$iothub/twin/res/200/?$rid=1", r#"{"a":1}"#, Severity::None),
    ("a/rpc", r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#, Severity::Error),
    ("a/job", r#"{"execution":{"status":"TIMED_OUT"}}"#, Severity::Error),
    ("a/opc", r#"{"value":1,"quality":"Bad"}"#, Severity::Error),
    ("a/opc", r#"{"value":1,"StatusCode":"BadTimeout"}"#, Severity::Error),
    ("ocpp/1", r#"{"status":"Available","errorCode":"NoError","vendorErrorCode":"0"}"#, Severity::None),
    ("ocpp/1", r#"{"status":"Faulted","errorCode":"GroundFailure"}"#, Severity::Error),
    ("a/tuya", r#"{"success":false,"code":1106,"msg":"permission deny"}"#, Severity::Error),
    ("a/cfg", r#"{"log_level":"error","alarm_enabled":true,"error_threshold":5,"on_error":"retry"}"#, Severity::None),
    ("a/log", r#"{"log_level":"ERROR","message":"x"}"#, Severity::Error),
    ("a/pino", r#"{"level":50,"time":1,"msg":"boom"}"#, Severity::Error),
    ("a/pino", r#"{"level":30,"time":1,"msg":"error handler registered"}"#, Severity::None),
    ("a/dimmer", r#"{"level":50,"on":true}"#, Severity::None),
    ("a/alarm", r#"{"severity":"critical","status":"CLEARED","text":"Temperature high"}"#, Severity::None),
    ("a/x", r#"{"errors":[],"faults":{},"alarm":null,"failed":false,"exception":""}"#, Severity::None),
    ("a/x", r#"{"alarms":{"low":false,"high":true}}"#, Severity::Error),
    ("a/x", r#"{"alarms":[{"name":"door","active":false}]}"#, Severity::None),
    ("a/x", r#"{"error_correction":true,"default":1,"pid_error":0.03}"#, Severity::None),
    ("a/x", r#"{"exit_code":1}"#, Severity::Error),
    ("a/x", r#"{"exit_code":0}"#, Severity::None),
    ("a/x", r#"{"status":"St\u00f6rung"}"#, Severity::Error),
    ("a/x", r#"{"status":"keine Störung"}"#, Severity::None),
    ("a/x", r#"{"state":"error"}"#, Severity::Error),
    ("a/x", r#"{"online":false}"#, Severity::Error),
    ("a/x", r#"{"type":"error","text":"x"}"#, Severity::Error),
    ("a/x", r#"{"dtc":["P0301"]}"#, Severity::Error),
    ("a/temp", "-127", Severity::Error),
    ("a/position/error", "0.35", Severity::None),
    ("a/pump/error", "3", Severity::Error),
    ("a/pump/error", "0", Severity::None),
    ("a/errors", r#"{"count":0}"#, Severity::None),
    ("a/errors", r#"{"count":2}"#, Severity::None),
    ("a/log", "<11>1 2026-01-01T00:00:00Z host app - - - cannot open", Severity::Error),
    ("a/log", "<12>1 2026-01-01T00:00:00Z host app - - - low", Severity::Warning),
    ("a/log", "2026-01-01 10:00:00,123 - app - WARNING - slow", Severity::Warning),
    ("a/log", "[info] error log rotated", Severity::None),
    ("a/log", "connection to 10.0.0.1 timed out", Severity::Error),
    ("a/log", "backup finished without errors", Severity::None),
    ("a/log", "tests: 12 passed, 0 failed", Severity::None),
    ("a/log", "panic: runtime error: index out of range", Severity::Error),
    ("a/log", "alarm cleared on pump 3", Severity::None),
    ("a/xml", "<r><status>FAILED</status></r>", Severity::Error),
    ("a/xml", "<r><error code=\"5\">Sensor lost</error></r>", Severity::Error),
    ("a/line", "pump,host=a fault=1i,rpm=12.5", Severity::Error),
    ("a/line", "pump,host=a fault=0i,rpm=12.5", Severity::None),
    ("home/co2/state", "473.0", Severity::None),
    ("home/co2/status", "473", Severity::None),
    ("home/co2/state", "506", Severity::None),
    ("home/co2/state", "590.0", Severity::None),
    ("office/sensor/status", "506", Severity::None),
    ("home/co2/state", r#"{"value":506}"#, Severity::None),
    ("shop/http_status", "503", Severity::Error),
    ("shop/http/statusCode", "204", Severity::None),
    ("shop/response_code", "404", Severity::Error),
    ("gw/stats", r#"{"alarmMsgCount":506,"eventMsgCount":12}"#, Severity::None),
    ("gw/stats/alarmMsgCount", "1", Severity::None),
    ("gw/stats", r#"{"error_count":2}"#, Severity::None),
    ("a/http", r#"{"status":503}"#, Severity::Error),
    ("a/http", r#"{"statusCode":204}"#, Severity::None),
    // Counts of what is past.
    ("plant/press/crc_errors_total", "41", Severity::None),
    ("plant/press", r#"{"failed_starts":2,"num_errors":7,"crashes":1}"#, Severity::None),
    ("plant/press", r#"{"errors":[41]}"#, Severity::Error),
    ("plant/press", r#"{"active_errors":2}"#, Severity::Error),
    ("plant/press", r#"{"error_number":7}"#, Severity::Error),
    // Codes for no error, parts that are not there, what is switched off.
    ("boiler/burner/Fault_Code", "F00", Severity::None),
    ("boiler/burner/Fault_Code", "F04", Severity::Error),
    ("gate/json", r#"{"state":"shut","light_barrier_state":"unavailable"}"#, Severity::None),
    ("gate/charging_state", "Disconnected", Severity::None),
    ("gate/pump", r#"{"stats":[{"device":4,"fail_seal":1}]}"#, Severity::None),
    ("gate/relay", r#"{"vpn":{"enabled":false,"connected":false},"uptime":7}"#, Severity::None),
    ("gate/relay", r#"{"broker":{"enabled":true,"connected":false},"uptime":7}"#, Severity::Error),
    ("gate/relay/cloud", r#"{"connected":false}"#, Severity::None),
    // A whole value that is the word for a failure.
    ("pv/roof/work_mode/state", "Fault", Severity::Error),
    ("pv/roof/work_mode/state", "Grid/Battery", Severity::None),
    ("press/event", r#"{"state_id":"FAILED","phase":3}"#, Severity::Error),
    ("press/event", r#"{"tool":"ERROR"}"#, Severity::Error),
    ("press/event", r#"{"log_level":"ERROR","icon":"error"}"#, Severity::None),
    // Descriptions, limits, batteries.
    ("homie/press/motor/fault/$name", "Motor fault", Severity::None),
    ("homie/press/$state", "lost", Severity::Error),
    ("host/disk", r#"{"used":41.5,"disk_careful":60,"disk_warning":75,"disk_critical":90}"#, Severity::None),
    ("host/disk", r#"{"used":41.5,"disk_warning":1,"disk_critical":0}"#, Severity::Warning),
    ("door/1", r#"{"battery_ok":false}"#, Severity::Warning),
    ("a/prom", "# HELP failed_total Counter of failed requests\nfailed_total 0", Severity::None),
    ("$SYS/broker/connection/b/state", "1", Severity::None),
];

#[test]
fn widely_used_systems_are_judged() {
    let mut wrong = 0;
    for &(topic, payload, expected) in JUDGED {
        let facts = inspect(topic, payload.as_bytes());
        if facts.severity != expected {
            wrong += 1;
            eprintln!(
                "{topic} {payload}: {:?} {:?}, expected {expected:?}",
                facts.severity, facts.reason
            );
        }
    }
    assert_eq!(wrong, 0);
}

#[test]
fn the_reason_is_what_is_said_not_the_level_beside_it() {
    for (topic, payload, reason) in [
        (
            "zigbee2mqtt/bridge/logging",
            r#"{"level":"error","message":"z2m: Publish 'set' 'state' to 'lamp' failed: no route"}"#,
            "message: z2m: Publish 'set' 'state' to 'lamp' failed: no route",
        ),
        (
            "zigbee2mqtt/bridge/logging",
            r#"{"message":"Failed to ping 'lamp'","level":"warning"}"#,
            "message: Failed to ping 'lamp'",
        ),
        (
            "a/pino",
            r#"{"level":50,"time":1,"msg":"cannot write to disk"}"#,
            "msg: cannot write to disk",
        ),
        (
            "a/b",
            r#"{"log":{"severity":"critical","text":"door 4 is open"}}"#,
            "log.text: door 4 is open",
        ),
        (
            "a/b",
            r#"{"status":"failed","message":"sensor did not answer"}"#,
            "message: sensor did not answer",
        ),
        (
            "a/log",
            "level=error ts=5 msg=\"cannot open port\"",
            "msg: cannot open port",
        ),
        // A state that says more than that something failed is the reason.
        (
            "a/b",
            r#"{"state":"offline","message":"see you later"}"#,
            "state: offline",
        ),
        // What stands elsewhere is of something else.
        (
            "a/b",
            r#"{"status":"error","other":{"message":"all is well"}}"#,
            "status: error",
        ),
        ("a/b", r#"{"level":"error","message":"E5"}"#, "level: error"),
    ] {
        let facts = inspect(topic, payload.as_bytes());
        let told = facts
            .reason
            .map(|reason| std::string::ToString::to_string(&reason));
        assert_eq!(told.as_deref(), Some(reason), "{payload}");
    }
}

#[test]
fn lines_of_a_log_are_counted_by_what_they_say() {
    let kind = |message: &str| {
        let payload = std::format!(r#"{{"level":"error","message":"{message}"}}"#);
        inspect("zigbee2mqtt/bridge/logging", payload.as_bytes()).kind
    };
    let one = kind("Publish 'set' 'state' to 'lamp' failed: timeout after 10000ms");
    let again = kind("Publish 'set' 'state' to 'lamp' failed: timeout after 8000ms");
    let other = kind("Publish 'set' 'state' to 'door' failed: timeout after 10000ms");
    assert_eq!(one, again);
    assert_ne!(one, other);
}

/// 240 messages by an author who knew the policy of labels and none of the rules: F1 0.825 when they were judged first,
/// 0.884 after what was structural in the misses was mended. Most of what is still missed is a code that only its maker's
/// manual explains.
#[test]
fn messages_that_were_written_without_knowing_the_rules() {
    let rows = include_str!("../../../tests/vectors/severity_unseen.jsonl");
    let (mut right, mut wrong, mut missed) = (0.0, 0.0, 0.0);
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).expect("a row");
        let text = |name: &str| row[name].as_str().expect("a text");
        let facts = inspect(text("topic"), text("payload").as_bytes());
        let told = facts.severity == Severity::Error;
        match (told, row["is_error"] == true) {
            (true, true) => right += 1.0,
            (true, false) => wrong += 1.0,
            (false, true) => missed += 1.0,
            (false, false) => {}
        }
        if told != (row["is_error"] == true) {
            eprintln!("{row}: {:?} {:?}", facts.severity, facts.reason);
        }
    }
    let f1: f64 = 2.0 * right / (2.0 * right + wrong + missed);
    assert!(f1 > 0.88, "F1 {f1:.3}: {wrong} wrong, {missed} missed");
}

/// 126 short messages in six languages, half of them quiet, written before the words of those languages were known here:
/// F1 0.24 of the rules before, 0.99 after them. Author of both is one, so that of other messages is lower.
#[test]
fn messages_in_six_languages() {
    let rows = include_str!("../../../tests/vectors/severity_tongues.jsonl");
    let (mut right, mut wrong, mut missed, mut exact, mut all) = (0.0, 0.0, 0.0, 0, 0);
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).expect("a row");
        let text = |name: &str| row[name].as_str().expect("a text");
        let facts = inspect(text("topic"), text("payload").as_bytes());
        let (told, expected) = (facts.severity.name(), text("severity"));
        all += 1;
        exact += u32::from(told == expected);
        match (told != "none", expected != "none") {
            (true, true) => right += 1.0,
            (true, false) => wrong += 1.0,
            (false, true) => missed += 1.0,
            (false, false) => {}
        }
        if told != expected {
            eprintln!("{row}: {told} {:?}", facts.reason);
        }
    }
    let f1: f64 = 2.0 * right / (2.0 * right + wrong + missed);
    eprintln!("F1 {f1:.3}, {exact} of {all} exact");
    assert!(f1 > 0.95, "F1 {f1:.3}: {wrong} wrong, {missed} missed");
}
