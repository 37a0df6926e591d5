//! Lines made up from knowledge of devices, labelled before anything was judged: what the judgement reaches on what it was
//! not written for. Topic, payload, what should be said.

#![allow(clippy::print_stderr)] // what was measured, shown when a test is asked to show it
extern crate std;
use super::Severity::{self, Error as E, None as N, Warning as W};
use super::inspect;
use std::eprintln;

#[rustfmt::skip]
const LINES: &[(&str, &str, Severity)] = &[
    // Zigbee2MQTT
    ("zigbee2mqtt/bridge/state", r#"{"state":"offline"}"#, E),
    ("zigbee2mqtt/bridge/event", r#"{"type":"device_interview","data":{"friendly_name":"0x00158d00","status":"failed","ieee_address":"0x00158d00"}}"#, E),
    ("zigbee2mqtt/bridge/event", r#"{"type":"device_interview","data":{"friendly_name":"0x00158d00","status":"successful"}}"#, N),
    ("zigbee2mqtt/bridge/event", r#"{"type":"device_leave","data":{"ieee_address":"0x00158d00","friendly_name":"plug"}}"#, N),
    ("zigbee2mqtt/bridge/logging", r#"{"level":"warning","message":"Device 'bulb' did not respond, retrying","namespace":"z2m:controller"}"#, W),
    ("zigbee2mqtt/bridge/response/device/ota_update/update", r#"{"data":{"id":"bulb"},"error":"Update of 'bulb' failed (Timeout)","status":"error","transaction":"x1"}"#, E),
    ("zigbee2mqtt/bridge/response/device/ota_update/check", r#"{"data":{"id":"bulb","update_available":false},"status":"ok"}"#, N),
    ("zigbee2mqtt/smoke_kitchen", r#"{"smoke":true,"battery":97,"tamper":false,"linkquality":80}"#, E),
    ("zigbee2mqtt/smoke_kitchen", r#"{"smoke":false,"battery":97,"tamper":false,"self_test":false,"linkquality":80}"#, N),
    ("zigbee2mqtt/trv", r#"{"local_temperature":20.5,"fault_code":0,"window_open":"CLOSE","error_status":0}"#, N),
    ("zigbee2mqtt/trv", r#"{"local_temperature":20.5,"error_status":2,"valve_alarm":false}"#, E),
    // Tasmota
    ("tele/plug/LWT", "Offline", E),
    ("tele/plug/LWT", "Online", N),
    ("stat/plug/RESULT", r#"{"Command":"Error"}"#, E),
    ("stat/plug/RESULT", r#"{"POWER":"OFF"}"#, N),
    ("tele/plug/STATE", r#"{"Time":"2026-03-01T10:00:00","Uptime":"0T00:00:10","LoadAvg":19,"MqttCount":1,"Wifi":{"AP":1,"RSSI":24,"Signal":-88,"LinkCount":12,"Downtime":"0T00:00:09"}}"#, N),
    ("tele/plug/INFO3", r#"{"Info3":{"RestartReason":"Software Watchdog"}}"#, E),
    ("tele/plug/INFO3", r#"{"Info3":{"RestartReason":"Power On"}}"#, N),
    ("tele/plug/SENSOR", r#"{"DS18B20":{"Temperature":-127.0},"TempUnit":"C"}"#, E),
    // Shelly
    ("shellyplus1pm/status/switch:0", r#"{"id":0,"output":false,"errors":["overtemp"],"temperature":{"tC":96.1}}"#, E),
    ("shellyplus1pm/status/switch:0", r#"{"id":0,"output":true,"apower":11.2,"temperature":{"tC":45.0},"errors":[]}"#, N),
    ("shellyplus1pm/events/rpc", r#"{"src":"s","method":"NotifyEvent","params":{"events":[{"event":"ota_error","msg":"Bad signature"}]}}"#, E),
    ("shellyplus1pm/rpc", r#"{"id":1,"src":"s","error":{"code":-103,"message":"Invalid argument 'id'"}}"#, E),
    ("shelly1/online", "false", E),
    ("shellies/shelly1/overpower", "0", N),
    ("shellies/shelly1/overpower", "1", E),
    // ESPHome
    ("esp/status", "offline", E),
    ("esp/debug", "\u{1b}[0;31m[E][dht:060]: Requesting data from DHT failed!\u{1b}[0m", E),
    ("esp/debug", "\u{1b}[0;33m[W][component:214]: Component wifi took a long time for an operation (0.15 s).\u{1b}[0m", W),
    ("esp/debug", "\u{1b}[0;32m[I][ota:102]: OTA error handling enabled\u{1b}[0m", N),
    ("esp/binary_sensor/pump_fault/state", "OFF", N),
    ("esp/binary_sensor/pump_fault/state", "ON", E),
    // Home Assistant
    ("homeassistant/binary_sensor/p/config", r#"{"name":"Pump problem","device_class":"problem","state_topic":"p/error","payload_not_available":"offline"}"#, N),
    ("homeassistant/status", "offline", E),
    ("homeassistant/sensor/x/availability", "offline", E),
    ("home/vacuum/state", r#"{"state":"error","fan_speed":"max","error":"Wheel stuck"}"#, E),
    ("home/vacuum/state", r#"{"state":"cleaning","fan_speed":"max","error":"none"}"#, N),
    ("home/lock/state", "JAMMED", E),
    ("home/lock/state", "LOCKED", N),
    // PLC, SCADA, OPC UA
    ("plant/line1/plc/S7", r#"{"DB10":{"MotorFault":1,"EStop":0,"Speed":0}}"#, E),
    ("plant/line1/plc/S7", r#"{"DB10":{"MotorFault":0,"EStop":0,"Speed":1480}}"#, N),
    ("plant/alarms/high", r#"{"alarmId":77,"state":"ACTIVE","ack":false,"text":"Tank level HH"}"#, E),
    ("plant/alarms/high", r#"{"alarmId":77,"state":"INACTIVE","ack":true,"text":"Tank level HH"}"#, N),
    ("plant/opcua/node", r#"{"Value":12.1,"StatusCode":{"Code":2147483648,"Symbol":"Bad"}}"#, E),
    ("plant/opcua/node", r#"{"Value":12.1,"StatusCode":{"Code":0,"Symbol":"Good"}}"#, N),
    ("plant/drive/vfd1", r#"{"faultWord":0,"warningWord":0,"freq":49.9}"#, N),
    ("plant/drive/vfd1", r#"{"faultWord":8,"freq":0.0}"#, E),
    ("plant/modbus", r#"{"unit":3,"function":3,"exception":2,"exception_text":"ILLEGAL DATA ADDRESS"}"#, E),
    ("plant/config/limits", r#"{"alarm_high":80,"alarm_low":10,"error_band":0.5}"#, N),
    // LoRaWAN
    ("v3/app@ttn/devices/d1/down/failed", r#"{"end_device_ids":{"device_id":"d1"},"downlink_failed":{"error":{"name":"no_dev_addr","code":5}}}"#, E),
    ("v3/app@ttn/devices/d1/up", r#"{"uplink_message":{"f_port":2,"decoded_payload_warnings":["battery value out of range"],"decoded_payload":{"bat":0}}}"#, W),
    ("application/1/device/0102/event/log", r#"{"level":"ERROR","code":"UPLINK_MIC","description":"MIC of uplink frame is invalid"}"#, E),
    ("application/1/device/0102/event/ack", r#"{"acknowledged":false,"fCntDown":12}"#, N),
    ("application/1/device/0102/event/status", r#"{"margin":20,"externalPowerSource":false,"batteryLevel":87.0}"#, N),
    ("gateway/eui/event/stats", r#"{"rxPacketsReceived":100,"rxPacketsReceivedOK":97,"txPacketsEmitted":3}"#, N),
    // Cloud
    ("$aws/things/t1/shadow/update/rejected", r#"{"code":409,"message":"Version conflict"}"#, E),
    ("$aws/things/t1/shadow/update/accepted", r#"{"state":{"reported":{"on":true}},"version":4}"#, N),
    ("$aws/things/t1/jobs/j/update/rejected", r#"{"code":"InvalidStateTransition","message":"cannot go from SUCCEEDED to IN_PROGRESS"}"#, E),
    ("$aws/events/presence/disconnected/t1", r#"{"clientId":"t1","eventType":"disconnected","disconnectReason":"MQTT_KEEP_ALIVE_TIMEOUT"}"#, E),
    ("devices/d/messages/events", r#"{"jobId":"j","status":"failed","statusCode":504,"result":null}"#, E),
    ("c8y/s/us", "304,c8y_BatteryAlarm,Battery low", W),
    ("c8y/s/us", "301,c8y_TemperatureAlarm,Temperature is high", E),
    ("c8y/s/us", "400,c8y_LocationUpdate,moved", N),
    ("te/device/main///a/disk_full", r#"{"severity":"major","text":"disk is full"}"#, E),
    ("te/device/main///a/disk_full", "", N),
    // Sparkplug, Homie, Victron, printers, chargers
    ("homie/boiler/$state", "disconnected", W),
    ("N/abc/battery/512/Alarms/LowVoltage", r#"{"value":2}"#, E),
    ("N/abc/battery/512/Alarms/LowVoltage", r#"{"value":0}"#, N),
    ("octoprint/event/PrintFailed", r#"{"name":"part.gcode","reason":"error"}"#, E),
    ("octoprint/event/PrintDone", r#"{"name":"part.gcode","time":3600}"#, N),
    ("evse/1/fault", "none", N),
    ("evse/1/fault", "GROUND_FAULT", E),
    // Logs: syslog, logfmt, JSON
    ("syslog/host1", "<30>Mar  1 10:00:00 host1 systemd[1]: Started Error reporting daemon.", N),
    ("syslog/host1", "<27>Mar  1 10:00:00 host1 sshd[812]: fatal: Timeout before authentication", E),
    ("logs/app", "ts=2026-03-01T10:00:00Z level=error caller=main.go:12 msg=\"write failed\" err=\"disk full\"", E),
    ("logs/app", "ts=2026-03-01T10:00:00Z level=info msg=\"error budget ok\" errors=0", N),
    ("logs/app", "ts=2026-03-01T10:00:00Z level=warn msg=\"slow request\" took=3s", W),
    ("logs/app", r#"{"timestamp":"2026-03-01T10:00:00Z","severity":"ERROR","message":"connection refused"}"#, E),
    ("logs/app", r#"{"lvl":"warn","msg":"queue is 80 % full"}"#, W),
    ("logs/app", r#"{"lvl":"debug","msg":"retry after failure disabled"}"#, N),
    ("logs/app", "ERROR 2026-03-01 10:00:00 worker.py:55 task 12 raised ValueError", E),
    ("logs/app", "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'", E),
    ("logs/kernel", "Out of memory: Killed process 812 (java)", E),
    ("logs/app", "0 errors, 3 warnings in 2 s", N),
    ("logs/app", "all sensors recovered from failure", N),
    // Settings and readings that merely name something wrong
    ("dev/settings", r#"{"alarm_volume":5,"failsafe":true,"error_led":false,"warning_threshold":70}"#, N),
    ("dev/state", r#"{"failover_enabled":true,"retry_on_failure":3,"max_errors":10}"#, N),
    ("dev/errors/total", "0", N),
    ("net/if/eth0", r#"{"rx_errors":0,"tx_errors":0,"rx_dropped":0,"collisions":0}"#, N),
    ("net/link", "link down", E),
    ("meter/1", r#"{"error_flags":"0x0000","status":"OK"}"#, N),
    ("meter/1", r#"{"error_flags":"0x0010","status":"FAULT"}"#, E),
];

/// As [`LINES`], made up when those were judged right: meant to be hard.
#[rustfmt::skip]
const HARDER: &[(&str, &str, Severity)] = &[
    ("bms/1", r#"{"soc":81,"protection":{"ovp":false,"uvp":true,"otp":false},"cells":[3.1,3.2]}"#, N),
    ("bms/1/status", r#"{"alarms":["CELL_UNDERVOLTAGE"],"soc":4}"#, E),
    ("inverter/1", r#"{"state":"Fault","ac_power":0,"fault_codes":[501,502]}"#, E),
    ("inverter/1", r#"{"state":"Producing","ac_power":800,"fault_codes":[]}"#, N),
    ("inverter/1/event", r#"{"eventCode":0,"eventText":"No event"}"#, N),
    ("hvac/ahu", r#"{"filter_dirty":true,"fan_failure":false,"frost_alarm":"normal"}"#, N),
    ("hvac/ahu", r#"{"frost_alarm":"alarm","fan":"off"}"#, E),
    ("hvac/ahu", r#"{"alarm_status":"in_alarm"}"#, E),
    ("hvac/ahu", r#"{"alarm_status":"not_in_alarm"}"#, N),
    ("lift/3", r#"{"mode":"out_of_service","door":"closed"}"#, E),
    ("lift/3", r#"{"inService":true,"door":"closed","trips":120}"#, N),
    ("robot/1/state", r#"{"errors":[{"errorType":"orderError","errorLevel":"WARNING"}],"operatingMode":"AUTOMATIC"}"#, W),
    ("robot/1/state", r#"{"errors":[{"errorType":"motorError","errorLevel":"FATAL","errorDescription":"drive 2"}]}"#, E),
    ("robot/1/connection", r#"{"headerId":1,"connectionState":"CONNECTIONBROKEN"}"#, E),
    ("robot/1/connection", r#"{"headerId":1,"connectionState":"ONLINE"}"#, N),
    ("printer/job", r#"{"state":"ABORTED","progress":40}"#, E),
    ("printer/job", r#"{"state":"CANCELLED_BY_USER","progress":40}"#, N),
    ("ota/dev1", r#"{"fw":"1.2","result":"verification_failed"}"#, E),
    ("ota/dev1", r#"{"fw":"1.2","result":"already_up_to_date"}"#, N),
    ("ota/dev1", r#"{"update":{"ok":false,"why":"not enough space"}}"#, E),
    ("cmd/ack", r#"{"id":7,"ok":true}"#, N),
    ("cmd/ack", r#"{"id":7,"ok":false}"#, E),
    ("cmd/ack", r#"{"cmd":"reboot","success":0}"#, E),
    ("cmd/resp", r#"{"rc":0,"out":""}"#, N),
    ("api/resp", r#"{"code":200,"message":"success","data":null}"#, N),
    ("api/resp", r#"{"code":500,"message":"internal server error","data":null}"#, E),
    ("api/resp", r#"{"errcode":0,"errmsg":"ok"}"#, N),
    ("api/resp", r#"{"errcode":40001,"errmsg":"invalid credential"}"#, E),
    ("api/resp", r#"{"isError":false,"errorMessage":null,"items":[1]}"#, N),
    ("gw/modem", r#"{"rssi":-113,"reg":"denied","operator":""}"#, E),
    ("gw/modem", r#"{"rssi":-71,"reg":"home","operator":"x","sim":"ready"}"#, N),
    ("gw/lora", r#"{"crc_status":"BAD","rssi":-119}"#, E),
    ("gw/lora", r#"{"crc_status":"OK","rssi":-61}"#, N),
    ("car/obd", r#"{"mil":false,"dtc_count":0,"dtcs":[]}"#, N),
    ("car/obd", r#"{"mil":true,"dtcs":["P0420"]}"#, E),
    ("pump/7", r#"{"dry_run":true,"rpm":0,"trip_reason":"DRY RUN"}"#, E),
    ("pump/7/trip_count", "4", N),
    ("valve/2", r#"{"cmd":"open","fb":"open","mismatch":false}"#, N),
    ("valve/2/status", "stuck", E),
    ("sensor/9", r#"{"value":null,"error":"ETIMEDOUT"}"#, E),
    ("sensor/9", r#"{"value":9999,"quality":"BAD_NOT_CONNECTED"}"#, E),
    ("sensor/9", r#"{"value":21.3,"quality":"GOOD_LOCAL_OVERRIDE"}"#, N),
    ("sensor/9/status", "sensor fault", E),
    ("sensor/9/status", "normal operation", N),
    ("sensor/9", "ERR", E),
    ("sensor/9", "---", N),
    ("k8s/events", r#"{"type":"Warning","reason":"BackOff","message":"Back-off restarting failed container"}"#, W),
    ("k8s/events", r#"{"type":"Normal","reason":"Killing","message":"Stopping container app"}"#, N),
    ("logs/go", r#"{"level":"fatal","ts":1717171717.1,"msg":"bind: address already in use"}"#, E),
    ("logs/java", "10:00:00.123 [main] ERROR c.e.App - Startup aborted", E),
    ("logs/java", "10:00:00.123 [error-handler-1] INFO c.e.App - started", N),
    ("logs/nginx", "2026/03/01 10:00:00 [error] 12#12: *1 connect() failed (111: Connection refused)", E),
    ("logs/nginx", "10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 12", N),
    ("logs/nginx", "10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] \"GET /x HTTP/1.1\" 502 12", E),
    ("logs/glog", "E0301 10:00:00.123456 12 main.cc:10] Cannot open camera", E),
    ("logs/glog", "I0301 10:00:00.123456 12 main.cc:10] camera error counter reset", N),
    ("logs/py", "WARNING:root:cannot reach peer, will retry", W),
    ("logs/py", "INFO:root:previous failure resolved", N),
    ("logs/x", "backup completed with 2 errors", E),
    ("logs/x", "no such file or directory: /etc/x", E),
    ("logs/x", "permission denied", E),
    ("logs/x", "user bob logged out", N),
    ("logs/x", "error correction code enabled", N),
    ("logs/x", "watchdog enabled", N),
    ("logs/x", "watchdog timeout, restarting", E),
    ("logs/x", "Verbindung fehlgeschlagen", E),
    ("logs/x", "Sensor 3 nicht erreichbar", E),
    ("logs/x", "Keine Fehler gefunden", N),
    ("logs/x", "Échec de la connexion", E),
    ("logs/x", "conexión perdida", E),
    ("haus/heizung/stoerung", "0", N),
    ("haus/heizung/stoerung", "1", E),
    ("haus/heizung/betriebsart", "Störung", E),
    ("ups/status", "OB LB", E),
    ("ups/status", "OL", N),
    ("ups/ups.status", "OL CHRG", N),
    ("net/ping/router", r#"{"alive":false,"loss":100}"#, E),
    ("net/ping/router", r#"{"alive":true,"loss":0,"rtt":1.2}"#, N),
    ("net/ap1", r#"{"adopted":true,"state":"isolated"}"#, N),
    ("cam/1", r#"{"recording":true,"disk":{"health":"failing","used":97}}"#, E),
    ("cam/1", r#"{"recording":true,"disk":{"health":"PASSED","used":47}}"#, N),
    ("nas/raid", r#"{"md0":"degraded","md1":"clean"}"#, N),
    ("alarm/panel", r#"{"zone":3,"event":"burglary","armed":"away"}"#, N),
    ("alarm/panel/zone3", "tamper", E),
    ("door/1", r#"{"contact":false,"tamper":true}"#, E),
    ("window/1", r#"{"contact":true,"battery_low":true}"#, W),
    ("meter/gas", r#"{"valve":"open","leak_alarm":0,"tamper_alarm":0,"low_batt":1}"#, W),
    ("tank/1", r#"{"level":12,"lowLevelAlarm":true}"#, E),
    ("tank/1", r#"{"level":62,"lowLevelAlarm":false,"alarmSetpoint":15}"#, N),
    ("env/co", r#"{"co_ppm":3,"alarm":"off","sensor_eol":false}"#, N),
    ("env/co", r#"{"co_ppm":210,"alarm":"on"}"#, E),
];

fn judge(name: &str, lines: &[(&str, &str, Severity)]) -> (f64, usize) {
    let (mut hits, mut false_alarms, mut misses, mut wrong) = (0u32, 0u32, 0u32, 0usize);
    for &(topic, payload, expected) in lines {
        let facts = inspect(topic, payload.as_bytes());
        match (expected == E, facts.severity == E) {
            (true, true) => hits += 1,
            (true, false) => misses += 1,
            (false, true) => false_alarms += 1,
            (false, false) => {}
        }
        if facts.severity != expected {
            wrong += 1;
            let (judged, why) = (facts.severity, facts.reason);
            eprintln!("{expected:?}, judged {judged:?} {why:?}: {topic} {payload}");
        }
    }
    let f1 = 2.0 * f64::from(hits) / f64::from(2 * hits + false_alarms + misses);
    eprintln!(
        "{name}: F1 {f1:.3}, {hits} hits, {false_alarms} false alarms, {misses} misses; {wrong} of {} wrong",
        lines.len()
    );
    (f1, wrong)
}

#[test]
fn lines_that_were_made_up() {
    let (f1, wrong) = judge("made up", LINES);
    assert!(f1 >= 0.98 && wrong <= 2);
    let (f1, wrong) = judge("harder", HARDER);
    assert!(f1 >= 0.92 && wrong <= 7);
}

/// Payload and the format that it is of.
#[rustfmt::skip]
const FORMATS: &[(&[u8], &str)] = &[
    (b"", "empty"),
    (b"  {\"a\":1}\r\n", "json_object"),
    (b"[]", "json_array"),
    (b"[{\"n\":\"t\",\"v\":1}]", "json_array"),
    (b"21", "number"),
    (b"-0.5e3", "number"),
    (b"+21.5", "number"),
    (b" 42\n", "number"),
    (b"0021", "number"),
    (b"1 234", "text"),
    (b"21.5 \xc2\xb0C", "text"),
    (b"true", "boolean"),
    (b"False", "boolean"),
    (b"null", "null"),
    (b"\"on\"", "json_string"),
    (b"ON", "text"),
    (b"NaN", "text"),
    (b"{\"a\":1}\n{\"a\":2}\n", "json_lines"),
    (b"{'a': 1}", "json_object"),
    (b"<?xml version=\"1.0\"?><r><t>21</t></r>", "xml"),
    (b"<status>ok</status>", "xml"),
    (b"1,2,3\n4,5,6\n", "csv"),
    (b"time;temp;hum\n12:00;21.4;40\n12:01;21.5;41\n", "csv"),
    (b"1717171717,21.5,40", "csv"),
    (b"temp=21.5;hum=40", "key_value"),
    (b"temp=21.5 hum=40 state=\"on hold\"", "key_value"),
    (b"level=info msg=\"started\" port=1883", "key_value"),
    (b"a=1&b=two", "key_value"),
    (b"weather,station=7 temp=21.5,hum=40i 1717171717000000000", "line_protocol"),
    (b"cpu usage=0.64", "line_protocol"),
    (b"[2026-03-01 10:00:00] INFO server: started", "log_line"),
    (b"2026-03-01T10:00:00.123Z WARN disk is nearly full", "log_line"),
    (b"<34>1 2026-03-01T10:00:00Z host su - ID47 - 'su root' failed", "log_line"),
    (b"Mar  1 10:00:00 host sshd[1]: Accepted publickey for root", "log_line"),
    (b"I (3120) wifi: connected", "log_line"),
    (b"2026-03-01T10:00:00Z", "timestamp"),
    (b"2026-03-01T10:00:00.000+01:00", "timestamp"),
    (b"10:00", "timestamp"),
    (b"aGVsbG8gd29ybGQgb2YgTVFUVA==", "base64"),
    (b"eyJ0ZW1wIjoyMS41LCJodW0iOjQwfQ==", "base64"),
    (b"deadbeefcafebabe0011223344556677", "hex"),
    (b"01 03 02 00 D7 F8 1A", "hex"),
    (b"AA:BB:CC:DD:EE:FF", "text"),
    (b"f47ac10b-58cc-4372-a567-0e02b2c3d479", "text"),
    (b"192.168.1.20", "text"),
    (b"https://example.org/a?b=1&c=2", "text"),
    (b"The pump was switched off, as asked.", "text"),
    (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*J-.\x01\x00", "gzip"),
    (b"\x78\x9c\xabV*I\xcc\x4b\x02\x00\x06\x0b\x02\x1f", "zlib"),
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "jpeg"),
    (b"\xa2\x64temp\xf9\x4d\x60\x63hum\x18\x28", "cbor"),
    (b"\x82\xa4temp\xca\x41\xac\x00\x00\xa3hum\x28", "messagepack"),
    (b"\x08\x96\x01\x12\x07testing\x1d\x00\x00\xac\x41", "protobuf"),
    (b"\x00\x00\x00\x00", "binary"),
    (b"\x01\x03\x02\x00\xd7\xf8\x1a", "binary"),
];

#[test]
fn formats_that_were_made_up() {
    let mut right = 0;
    for &(payload, expected) in FORMATS {
        let facts = inspect("a/b", payload);
        right += usize::from(facts.format.name() == expected);
        if facts.format.name() != expected {
            eprintln!(
                "{expected}, guessed {} {}: {:?}",
                facts.format.name(),
                facts.confidence,
                std::string::String::from_utf8_lossy(payload)
            );
        }
    }
    eprintln!("{right} of {} formats", FORMATS.len());
    assert!(right + 1 >= FORMATS.len());
}
