//! Answers within their budgets.

use super::super::listening::Format::{Concise, Detailed};
use super::super::tests::{head, report, valid};
use super::super::to_value;
use super::{TOOL, fitted};
use crate::broker::report::{SchemaFamily, SchemaFindings};

#[test]
fn schemas_fit_their_budget_and_what_is_cut_is_counted() {
    let family = |i: usize, long: usize| {
        let names: Vec<String> = (0..long)
            .map(|n| format!("\"member{n}\":{{\"type\":\"number\"}}"))
            .collect();
        SchemaFamily {
            pattern: format!("site/+/kind{i}"),
            topics: 12,
            messages: 1_000 - i as u64,
            formats: vec![("json_object", 990), ("text", 10)],
            bytes: (10, 20, 30),
            schema: Some(format!(
                "{{\"type\":\"object\",\"properties\":{{{}}}}}",
                names.join(",")
            )),
            sample: 990,
            confidence: (0.987, "High"),
            examples: vec![(vec![b'x'; 1_024], 5_000), (b"{\"a\":1}".to_vec(), 7)],
            ..SchemaFamily::default()
        }
    };
    for (families, long, budget, format) in [
        (1, 3, 24_576, Concise),
        (3, 2_000, 24_576, Detailed),
        (300, 20, 24_576, Detailed),
        (300, 20, 2_048, Concise),
        (0, 0, 2_048, Concise),
    ] {
        let mut report = report(10, 10);
        report.findings.schema = Some(SchemaFindings {
            families: (0..families).map(|i| family(i, long)).collect(),
            messages_beyond: 3,
            members_lost: 0,
        });
        let make = || fitted(head(&report), &report, format, budget);
        let value = to_value(make()).unwrap();
        valid(&TOOL, &value);
        let bytes = value.to_string().len();
        assert!(bytes <= budget, "{bytes} of {budget} for {families}");
        let shown = value["families"].as_array().unwrap().len() as u64;
        let gone = value["omitted"]["families"].as_u64().unwrap_or(0);
        assert_eq!(shown + gone, families as u64);
        assert_eq!(value["omitted"]["messages_beyond"], 3);
        let without = value["families"].as_array().unwrap().iter();
        let without = without
            .filter(|family| family.get("schema").is_none())
            .count();
        assert_eq!(value["omitted"]["schemas"].as_u64(), Some(without as u64));
    }
}
