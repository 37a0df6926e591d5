//! Where a service is: the address that `health` and `--connect` are given.

use std::fmt;

/// `http://HOST[:PORT]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    host: String,
    port: u16,
}

impl Place {
    /// Reads an address; a path other than `/` is refused, since the service stands at the root.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(url: &str) -> Result<Self, String> {
        let wanted = "the address must be like http://192.168.1.7:8090";
        if url.starts_with("https://") {
            return Err(format!(
                "{wanted}, and https is not spoken here: reach the service within the house, or by ssh -L"
            ));
        }
        let rest = url.strip_prefix("http://").ok_or(wanted)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@', ' ']) || rest.chars().any(char::is_control) {
            return Err(wanted.to_owned());
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wanted)?),
            _ => (rest, 80),
        };
        // Colons belong to IPv6, which stands in brackets.
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        if host.is_empty() || (bare.is_none() && host.contains([':', '[', ']'])) {
            return Err(wanted.to_owned());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// For the system's resolver.
    pub(super) fn to_resolve(&self) -> (&str, u16) {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        (host, self.port)
    }
}

/// As a Host header names it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            80 => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_refused_with_what_would_be_right() {
        for (url, host, shown) in [
            (
                "http://umbrel.local:8090",
                ("umbrel.local", 8090),
                "umbrel.local:8090",
            ),
            ("http://127.0.0.1:1/", ("127.0.0.1", 1), "127.0.0.1:1"),
            ("http://[::1]:8090", ("::1", 8090), "[::1]:8090"),
            ("http://[fd00::2]", ("fd00::2", 80), "[fd00::2]"),
            ("http://box", ("box", 80), "box"),
        ] {
            let place = Place::parse(url).unwrap();
            assert_eq!(
                (place.to_resolve(), place.to_string().as_str()),
                (host, shown)
            );
        }
        for url in [
            "",
            "box",
            "ftp://box",
            "http://",
            "http://:80",
            "http://box:x",
            "http://box:70000",
            "http://a:b:c",
            "http://u@box",
            "http://box/mcp",
            "http://box?x",
            "https://box",
        ] {
            assert!(
                Place::parse(url)
                    .unwrap_err()
                    .contains("http://192.168.1.7:8090"),
                "{url}"
            );
        }
    }
}
