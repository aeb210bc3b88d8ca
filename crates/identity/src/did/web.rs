//! `did:web`: an identifier whose document lies on its owner's web server (the did:web method of the W3C's
//! Credentials Community Group).
//!
//! A person reads the name of a server and trusts it, so a name that could pass for another is refused before anything
//! is fetched: letters outside ASCII and their Punycode (homographs), an account before an `@`, numbers in place of a
//! name, other ports. A server on the machine itself may be named with a port; whether that is good enough is the
//! resolver's to say.

use std::fmt;
use std::str::FromStr;

/// The longest identifier that is read, in bytes.
const MAX_BYTES: usize = 512;

/// Why a text is no `did:web` that is resolved here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebDidError {
    /// Another method, or none.
    #[error("this is no did:web identifier")]
    UnknownMethod,
    /// Too long.
    #[error("this did:web is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Letters outside ASCII, or their Punycode, that look like others.
    #[error(
        "the server's name in this did:web has letters outside ASCII (or `xn--`), which can pass for others: use a plain name"
    )]
    Homograph,
    /// No name of a server.
    #[error(
        "this did:web does not name a server by a plain host name in small letters, as in did:web:example.org"
    )]
    BadHost,
    /// A port where there may be none.
    #[error("this did:web names a port; only https on its own port is asked")]
    Port,
    /// A path that could lead elsewhere.
    #[error(
        "the path in this did:web holds other characters than letters, digits, `-`, `_` and `.`, or leads upwards"
    )]
    BadPath,
}

/// An identifier that a web server answers for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebDid {
    host: String,
    port: Option<u16>,
    path: Vec<String>,
}

impl WebDid {
    /// The server's name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the server is the machine itself, which serves tests and development alone.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
    }

    /// Where the document lies. Only a server on the machine itself is asked without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.is_loopback() { "http" } else { "https" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = match self.path.as_slice() {
            [] => ".well-known".to_owned(),
            path => path.join("/"),
        };
        format!("{scheme}://{}{port}/{path}/did.json", self.host)
    }
}

impl fmt::Display for WebDid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "did:web:{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, "%3A{port}")?;
        }
        self.path.iter().try_for_each(|segment| write!(f, ":{segment}"))
    }
}

impl FromStr for WebDid {
    type Err = WebDidError;

    fn from_str(text: &str) -> Result<Self, WebDidError> {
        let rest = text.strip_prefix("did:web:").ok_or(WebDidError::UnknownMethod)?;
        if text.len() > MAX_BYTES {
            return Err(WebDidError::TooLong);
        }
        if !rest.is_ascii() {
            return Err(WebDidError::Homograph);
        }
        let mut parts = rest.split(':');
        let authority = parts.next().unwrap_or_default();
        let (host, port) = match authority.split_once("%3A") {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        check_host(host)?;
        let port = port.map(|port| check_port(host, port)).transpose()?;
        let path: Vec<String> = parts.map(str::to_owned).collect();
        if path.iter().all(|segment| is_segment(segment)) {
            Ok(Self { host: host.to_owned(), port, path })
        } else {
            Err(WebDidError::BadPath)
        }
    }
}

/// RFC 1123 names of at least two labels, the last of which holds a letter, so that no number passes for a name.
fn check_host(host: &str) -> Result<(), WebDidError> {
    if host == "localhost" {
        return Ok(());
    }
    let labels: Vec<&str> = host.split('.').collect();
    if labels.iter().any(|label| label.to_ascii_lowercase().starts_with("xn--")) {
        return Err(WebDidError::Homograph);
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label = |label: &&str| {
        let edge = label.starts_with('-') || label.ends_with('-');
        (1..=63).contains(&label.len()) && !edge && label.chars().all(plain)
    };
    let named =
        labels.last().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
    let local = matches!(labels.last(), Some(&"localhost" | &"local" | &"internal"));
    if host.len() <= 253 && labels.len() >= 2 && labels.iter().all(is_label) && named && !local {
        Ok(())
    } else {
        Err(WebDidError::BadHost)
    }
}

fn check_port(host: &str, port: &str) -> Result<u16, WebDidError> {
    let number = port.parse::<u16>().ok().filter(|number| number.to_string() == port);
    number.filter(|number| host == "localhost" && *number != 0).ok_or(WebDidError::Port)
}

fn is_segment(segment: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !segment.is_empty() && segment.chars().all(plain) && !segment.chars().all(|c| c == '.')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    // The method's specification, section on reading: the first two pairs are its examples.
    #[test]
    fn a_document_lies_where_the_method_says() {
        let cases = [
            ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
            (
                "did:web:w3c-ccg.github.io:user:alice",
                "https://w3c-ccg.github.io/user/alice/did.json",
            ),
            ("did:web:localhost%3A8443", "http://localhost:8443/.well-known/did.json"),
        ];
        for (text, url) in cases {
            let did: WebDid = text.parse().unwrap();
            assert_eq!(did.url(), url);
            assert_eq!(did.to_string(), text);
        }
    }

    #[test]
    fn a_name_that_could_pass_for_another_is_refused() {
        use WebDidError::{BadHost, BadPath, Homograph, Port, TooLong, UnknownMethod};
        let cases = [
            ("did:key:z6Mk", UnknownMethod),
            ("DID:web:example.org", UnknownMethod),
            ("did:web:ex\u{430}mple.org", Homograph),
            ("did:web:example\u{3002}org", Homograph),
            ("did:web:example.org\u{200b}", Homograph),
            ("did:web:xn--exmple-4nf.org", Homograph),
            ("did:web:example.XN--p1ai", Homograph),
            ("did:web:example.org%40evil.example", BadHost),
            ("did:web:user@evil.example", BadHost),
            ("did:web:example.org%2Fevil", BadHost),
            ("did:web:example.org/evil", BadHost),
            ("did:web:example.org?x", BadHost),
            ("did:web:example.org#x", BadHost),
            ("did:web:Example.org", BadHost),
            ("did:web:example.org.", BadHost),
            ("did:web:.example.org", BadHost),
            ("did:web:-a.org", BadHost),
            ("did:web:example", BadHost),
            ("did:web:", BadHost),
            ("did:web:127.0.0.1", BadHost),
            ("did:web:10.0.0.1", BadHost),
            ("did:web:0x7f.1", BadHost),
            ("did:web:2130706433", BadHost),
            ("did:web:[%3A%3A1]", BadHost),
            ("did:web:printer.local", BadHost),
            ("did:web:metadata.internal", BadHost),
            ("did:web:evil.localhost", BadHost),
            ("did:web:example.org%3A443", Port),
            ("did:web:example.org%3A8080", Port),
            ("did:web:localhost%3A0", Port),
            ("did:web:localhost%3A080", Port),
            ("did:web:localhost%3A70000", Port),
            ("did:web:example.org:..:admin", BadPath),
            ("did:web:example.org:a%2Fb", BadPath),
            ("did:web:example.org::a", BadPath),
            ("did:web:example.org:", BadPath),
            ("did:web:example.org:8080:a b", BadPath),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<WebDid>(), Err(expected), "{text}");
        }
        let long = format!("did:web:{}.org", "a.".repeat(300));
        assert_eq!(long.parse::<WebDid>(), Err(TooLong));
    }

    proptest! {
        #[test]
        fn every_identifier_that_is_read_is_written_the_same(text in "did:web:[a-z0-9.%3A@:/\\-]{0,40}") {
            if let Ok(did) = text.parse::<WebDid>() {
                prop_assert_eq!(did.to_string(), text);
                let url = did.url();
                prop_assert!(url.starts_with("http") && !url.contains('@') && !url.contains(".."));
            }
        }
    }
}
