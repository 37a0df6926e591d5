//! A heat pump whose every status carries `error: null`, which is no error, and which now and then has a burst of the
//! error E07, which is one.

use super::{Member, json, text};
use serde_json::json;

/// Statuses of one burst, and of the quiet between two.
const BURST: u32 = 6;
const QUIET: u32 = 22;

pub(super) fn members() -> Vec<Member> {
    let mut turn = 0_u32;
    vec![
        Member::new("heatpump-gw")
            .will(text("heatpump/availability", "offline").retained())
            .born([text("heatpump/availability", "online").retained()])
            .every(0.5, move |world| {
                turn = (turn + 1) % (BURST + QUIET);
                let faulty = turn >= QUIET;
                let flow = world.swing(34.0, 3.0, 50.0);
                let error = if faulty {
                    json!({"code": "E07", "text": "no flow in heating circuit 1", "since_s": turn - QUIET})
                } else {
                    serde_json::Value::Null
                };
                // Between bursts the gateway reports every two seconds only.
                if !faulty && !turn.is_multiple_of(4) {
                    return Vec::new();
                }
                vec![json(
                    "heatpump/status",
                    &json!({
                        "compressor": if faulty { "stopped" } else { "running" },
                        "mode": "heating",
                        "flow_c": flow,
                        "return_c": flow - 4.5,
                        "outdoor_c": 3.5,
                        "cop": if faulty { 0.0 } else { 3.9 },
                        "error": error,
                    }),
                )]
            }),
    ]
}
