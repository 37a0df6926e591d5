//! The page: one HTML file with its style and script inside, made once, and the policy that lets only these two run.
//!
//! Invariant: the script writes text from outside as text only; the one place where this file writes such text into HTML
//! is [`numbers`], for who has no JavaScript, and all of it is escaped there.

use super::reply::Reply;
use crate::app::App;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::sync::LazyLock;

const FRAME: &str = include_str!("page/frame.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: [&str; 3] = [
    include_str!("page/base.js"),
    include_str!("page/views.js"),
    include_str!("page/live.js"),
];

/// Where the numbers go for who has no JavaScript.
const NUMBERS: &str = "<!--numbers-->";

/// Without the token the page holds none.
const NO_NUMBERS: &str = "<p>Without JavaScript this page shows numbers only to who comes through a proxy that knows \
                          its user. Scripts read <a href=\"metrics\">metrics</a> with the token.</p>";

struct Page {
    html: String,
    policy: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let (script, style) = (tight(&lean(&SCRIPT.concat())), lean(STYLE));
    let html = lean(FRAME)
        .replace("/*style*/", &style)
        .replace("/*script*/", &script);
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src 'self'; base-uri 'none'; \
         form-action 'none'",
        hash(&script),
        hash(&style)
    );
    Page {
        html: html.replace("0.0.0", env!("CARGO_PKG_VERSION")),
        policy,
    }
});

/// Without indentation and without lines of comment: neither the script nor the style has text over several lines.
fn lean(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A script without the spaces that only people need: those beside a sign, outside of texts. No text goes over a line, and
/// no regular expression holds a space or a quotation mark.
fn tight(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    let mut quote = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some(_) if c == '\\' => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if c == ' ' => {
                let (before, after) = (out.chars().next_back(), chars.peek().copied());
                let sign =
                    |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric() && !"_$".contains(c));
                // `a + +b` is no `a ++b`.
                let same = before == after && matches!(before, Some('+' | '-'));
                if !same && (sign(before) || sign(after)) {
                    continue;
                }
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// As a Content Security Policy names a script.
fn hash(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("sha256-{}", STANDARD.encode(digest))
}

/// The page, with numbers for who has no JavaScript, if the visitor may see them.
pub(super) fn page(numbers: Option<&str>) -> Reply {
    let html = PAGE.html.replace(NUMBERS, numbers.unwrap_or(NO_NUMBERS));
    Reply::page(html, PAGE.policy.clone())
}

/// The state of the service as plain tables.
pub(super) fn numbers(app: &App) -> String {
    let mut html = String::new();
    let service = app.service_view();
    let memory = service
        .memory_bytes
        .map_or_else(|| "–".to_owned(), |it| format!("{} KB", it / 1_000));
    table(
        &mut html,
        "Service",
        &["Since", "Messages/s", "Memory", "Calls", "Failed"],
        [[
            service.started,
            service.messages_per_s.to_string(),
            memory,
            service.calls.to_string(),
            service.call_errors.to_string(),
        ]],
    );
    let brokers = app.broker_views().into_iter().map(|it| {
        let since = it.since.unwrap_or_default();
        [
            it.name,
            it.state.to_owned(),
            since,
            it.messages_per_s.to_string(),
        ]
    });
    table(
        &mut html,
        "Brokers",
        &["Broker", "State", "Since", "Messages/s"],
        brokers,
    );
    let sessions = app.session_views().into_iter().map(|it| {
        let messages = it.session.messages_in.to_string();
        [it.who, it.session.broker, messages, it.session.expires_at]
    });
    table(
        &mut html,
        "Sessions",
        &["Whose", "Broker", "Messages in", "Expires"],
        sessions,
    );
    let log = app.log_views(crate::journal::Level::Warning, 20);
    let log = log
        .into_iter()
        .map(|it| [it.last, it.level.to_owned(), it.text, it.count.to_string()]);
    table(&mut html, "Log", &["Last", "Level", "What", "Times"], log);
    html
}

fn table<const N: usize>(
    html: &mut String,
    title: &str,
    heads: &[&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let _ = write!(html, "<h2>{title}</h2><table><thead><tr>");
    for head in heads {
        let _ = write!(html, "<th scope=\"col\">{head}</th>");
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = write!(html, "<td>{}</td>", escaped(&cell));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
}

fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_asks_nobody() {
        let html = &PAGE.html;
        assert!(html.len() <= 60 << 10, "{} bytes", html.len());
        assert!(html.contains(NUMBERS) && !html.contains("/*script*/"));
        // No style or handler in attributes: the policy would not run them. Nothing is written as HTML.
        for word in [
            " style=",
            " onclick=",
            " onload=",
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
        ] {
            assert!(!html.contains(word), "{word}");
        }
        // Addresses that stand there are texts to copy, and namespaces.
        assert!(!html.contains("src=") && !html.contains("url("));
        for (at, _) in html.match_indices("href=\"") {
            let target = &html[at + 6..];
            assert!(
                target.starts_with(['#', 'd', 'm', 'h', 'a']),
                "{}",
                &target[..20]
            );
            assert!(!target.starts_with("http"), "{}", &target[..20]);
        }
    }

    #[test]
    fn a_tight_script_means_the_same() {
        for (loose, expected) in [
            (
                "const a = b + +c - -d, e = [1, 2];",
                "const a=b+ +c- -d,e=[1,2];",
            ),
            (
                r#"f("a , \" b", 'c = d', `e ${g} : h`);"#,
                r#"f("a , \" b",'c = d',`e ${g} : h`);"#,
            ),
            ("return x in y ? z : $w of it;", "return x in y?z:$w of it;"),
        ] {
            assert_eq!(tight(loose), expected);
        }
        // What would confuse it: a text over a line, or a quotation mark in a regular expression.
        for line in lean(&SCRIPT.concat()).lines() {
            let closed = tight(&format!("{line}\n a = b"));
            assert!(closed.ends_with("\na=b"), "{line}");
        }
    }

    #[test]
    fn text_from_outside_is_no_html() {
        let mut html = String::new();
        table(&mut html, "T", &["H"], [["<script>\"'&".to_owned()]]);
        assert!(
            html.contains("<td>&lt;script&gt;&quot;&#39;&amp;</td>"),
            "{html}"
        );
    }

    #[test]
    fn the_policy_names_script_and_style_as_browsers_do() {
        // By another program: `printf abc | openssl dgst -sha256 -binary | base64`.
        assert_eq!(
            hash("abc"),
            "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        );
        assert!(PAGE.policy.contains(&hash(&lean(STYLE))));
        assert!(PAGE.policy.contains(&hash(&tight(&lean(&SCRIPT.concat())))));
    }
}
