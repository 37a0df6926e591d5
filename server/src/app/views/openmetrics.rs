//! The meters as OpenMetrics text, for Prometheus: names with units, no label that a stranger could fill without bound.

use super::super::App;
use crate::journal::{BOUNDS_MS, Meters};
use crate::render;
use std::fmt::Write as _;

/// The beginning of every name.
const OURS: &str = "bitsperity_mqtt";

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, unit: &str, help: &str) {
        let _ = writeln!(self.0, "# TYPE {OURS}_{name} {kind}");
        if !unit.is_empty() {
            let _ = writeln!(self.0, "# UNIT {OURS}_{name} {unit}");
        }
        let _ = writeln!(self.0, "# HELP {OURS}_{name} {help}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
        let labels: Vec<String> = labels.collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{OURS}_{name}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

impl App {
    /// OpenMetrics 1.0.
    pub fn open_metrics(&self) -> String {
        let mut text = Text(String::new());
        self.process_metrics(&mut text);
        self.broker_metrics(&mut text);
        self.journal.meters(|meters| calls(&mut text, meters));
        text.0.push_str("# EOF\n");
        text.0
    }

    fn process_metrics(&self, text: &mut Text) {
        text.family("build", "info", "", "This program.");
        text.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        text.family(
            "uptime_seconds",
            "gauge",
            "seconds",
            "Time since the start.",
        );
        text.sample("uptime_seconds", &[], self.uptime().as_secs_f64());
        let latest = self.journal.meters(Meters::latest);
        if let Some(memory) = latest.memory {
            text.family("memory_bytes", "gauge", "bytes", "Resident memory.");
            text.sample("memory_bytes", &[], memory as f64);
        }
        if let Some(processor) = latest.processor {
            text.family(
                "processor_seconds",
                "counter",
                "seconds",
                "Processor time used.",
            );
            text.sample("processor_seconds_total", &[], processor.as_secs_f64());
        }
        text.family(
            "received_messages",
            "counter",
            "messages",
            "MQTT messages received.",
        );
        text.sample("received_messages_total", &[], latest.messages as f64);
        text.family(
            "received_bytes",
            "counter",
            "bytes",
            "Bytes received from brokers.",
        );
        text.sample("received_bytes_total", &[], latest.bytes as f64);
        let clients = self.journal.clients();
        let here = clients.iter().filter(|it| it.left.is_none()).count();
        text.family("assistants", "gauge", "", "Assistants that are connected.");
        text.sample("assistants", &[], here as f64);
        text.family(
            "sessions",
            "gauge",
            "",
            "Connections to brokers that are open.",
        );
        text.sample("sessions", &[], self.list().len() as f64);
    }

    fn broker_metrics(&self, text: &mut Text) {
        // Those of the configuration only: assistants may name brokers without end.
        let brokers = self.broker_views();
        let named = || brokers.iter().filter(|it| it.name != it.url);
        text.family(
            "broker_up",
            "gauge",
            "",
            "1 while connected, 0 while away; absent while unused.",
        );
        for broker in named().filter(|it| it.state != "unused") {
            let up = if broker.state == "connected" {
                1.0
            } else {
                0.0
            };
            text.sample("broker_up", &[("broker", &broker.name)], up);
        }
        text.family(
            "broker_messages",
            "counter",
            "messages",
            "MQTT messages of a broker.",
        );
        for broker in named() {
            let labels = [("broker", broker.name.as_str())];
            text.sample("broker_messages_total", &labels, broker.messages as f64);
        }
    }
}

fn calls(text: &mut Text, meters: &Meters) {
    text.family("tool_calls", "counter", "calls", "Tool calls that ended.");
    for tool in meters.tools() {
        for (outcome, count) in [("ok", tool.calls - tool.errors), ("error", tool.errors)] {
            let labels = [("tool", tool.tool.as_str()), ("outcome", outcome)];
            text.sample("tool_calls_total", &labels, count as f64);
        }
    }
    text.family(
        "answer_bytes",
        "counter",
        "bytes",
        "Bytes of the answers of tools.",
    );
    for tool in meters.tools() {
        text.sample(
            "answer_bytes_total",
            &[("tool", &tool.tool)],
            tool.bytes as f64,
        );
    }
    let help = "Own time of calls: listening as asked is not counted.";
    text.family("call_duration_seconds", "histogram", "seconds", help);
    for tool in meters.tools() {
        let name = tool.tool.as_str();
        for (bound, count) in BOUNDS_MS.iter().zip(tool.own.cumulative()) {
            let le = format!("{:?}", *bound as f64 / 1e3);
            let labels = [("tool", name), ("le", le.as_str())];
            text.sample("call_duration_seconds_bucket", &labels, count as f64);
        }
        let count = tool.own.count() as f64;
        text.sample(
            "call_duration_seconds_bucket",
            &[("tool", name), ("le", "+Inf")],
            count,
        );
        text.sample("call_duration_seconds_count", &[("tool", name)], count);
        let sum = render::seconds(tool.own.sum());
        text.sample("call_duration_seconds_sum", &[("tool", name)], sum);
    }
}
