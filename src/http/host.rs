//! Host names: the canonical host of a request, and the host patterns of tenants.
//!
//! Scenarios: tests/scenarios/tenants.rs.

use std::fmt;

/// A canonical host name: lower case, without port and without trailing dot. It can be made only by
/// [`Host::from_authority`] and [`Host::from_name`], so that two spellings of one host cannot
/// select different tenants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

impl Host {
    /// Reads the `:authority` pseudo-header (RFC 9110 section 7.2: `uri-host [ ":" port ]`).
    ///
    /// Case, one trailing dot and a port from 1 to 65535 make no difference.
    ///
    /// # Errors
    /// [`HostNameError`] if the rest is not a DNS name of at most 253 characters, for example
    /// because of user information, spaces, percent signs or an IPv6 literal. The error does not
    /// contain the bytes, because they come from the client.
    pub fn from_authority(authority: &[u8]) -> Result<Self, HostNameError> {
        let authority = std::str::from_utf8(authority).map_err(|_| HostNameError)?;
        let name = match authority.split_once(':') {
            Some((name, port)) if is_port(port) => name,
            Some(_) => return Err(HostNameError),
            None => authority,
        };
        Self::from_name(name.strip_suffix('.').unwrap_or(name))
    }

    /// Whether `:authority` names the host with a final dot. Browsers keep the cookies of the two
    /// spellings apart.
    pub fn has_final_dot(authority: &[u8]) -> bool {
        authority.split(|&b| b == b':').next().is_some_and(|name| name.ends_with(b"."))
    }

    /// Reads a DNS name without port, as in a configuration.
    ///
    /// # Errors
    /// [`HostNameError`] if it is not a DNS name of at most 253 characters, with letters, digits,
    /// `-` and `_` in labels of at most 63 characters.
    pub fn from_name(name: &str) -> Result<Self, HostNameError> {
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(HostNameError);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// The canonical name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parent domains of this host, the nearest first: `c.d` and `d` for `b.c.d`.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.as_str();
        std::iter::from_fn(move || {
            rest = rest.split_once('.')?.1;
            Some(rest)
        })
    }

    /// Whether this host is `domain` itself or a subdomain of it (RFC 6265 section 5.1.3).
    pub fn is_within(&self, domain: &Self) -> bool {
        self == domain || self.parents().any(|parent| parent == domain.as_str())
    }
}

/// Permits the lookup of a canonical name, such as one of [`Host::parents`], in a map with hosts as
/// keys.
impl std::borrow::Borrow<str> for Host {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a host name that a tenant can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostNameError;

impl fmt::Display for HostNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a DNS host name")
    }
}

impl std::error::Error for HostNameError {}

/// A host pattern of a tenant: one host, or all hosts below a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This host only.
    Exact(Host),
    /// `*.domain`: every host with one or more labels before the domain, without the domain itself.
    Below(Host),
}

impl HostPattern {
    /// Reads `name` or `*.name`.
    ///
    /// # Errors
    /// [`HostPatternError`] if the wildcard or the name is invalid.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        match text.strip_prefix("*.") {
            Some(domain) if domain.contains('*') => Err(HostPatternError::Wildcard),
            // `*.com` would match the hosts of other organizations, so the domain after a wildcard
            // has at least two labels or is `localhost`.
            Some(domain) if !domain.contains('.') && !domain.eq_ignore_ascii_case("localhost") => {
                Err(HostPatternError::TooWide)
            }
            Some(domain) => Host::from_name(domain).map(Self::Below).map_err(|_| HostPatternError::Name),
            None if text.contains('*') => Err(HostPatternError::Wildcard),
            None => Host::from_name(text).map(Self::Exact).map_err(|_| HostPatternError::Name),
        }
    }

    /// Whether `host` matches this pattern.
    pub fn matches(&self, host: &Host) -> bool {
        match self {
            Self::Exact(exact) => exact == host,
            Self::Below(domain) => host.parents().any(|parent| parent == domain.as_str()),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => host.fmt(f),
            Self::Below(domain) => write!(f, "*.{domain}"),
        }
    }
}

/// The reason why a text is not a [`HostPattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPatternError {
    /// The name is not a DNS name.
    Name,
    /// The wildcard is directly before a top-level domain.
    TooWide,
    /// There is a wildcard that is not the whole first label.
    Wildcard,
}

impl fmt::Display for HostPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "give a DNS name without scheme, port and path (\"acme.example\")",
            Self::TooWide => "a wildcard has to stand below a domain of at least two labels (\"*.acme.example\")",
            Self::Wildcard => "a wildcard may only be the first label (\"*.acme.example\")",
        })
    }
}

impl std::error::Error for HostPatternError {}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(authority: &str) -> Option<String> {
        Host::from_authority(authority.as_bytes()).ok().map(|host| host.to_string())
    }

    #[test]
    fn case_port_and_trailing_dot_make_no_difference() {
        for spelling in ["acme.example", "ACME.Example", "acme.example:443", "acme.example.", "acme.example.:8443"] {
            assert_eq!(host(spelling).as_deref(), Some("acme.example"), "{spelling}");
        }
    }

    #[test]
    fn a_final_dot_stands_before_the_port() {
        for (authority, has) in
            [("acme.example.", true), ("acme.example.:443", true), ("acme.example", false), ("acme.example:4.", false)]
        {
            assert_eq!(Host::has_final_dot(authority.as_bytes()), has, "{authority}");
        }
    }

    #[test]
    fn other_authorities_are_errors() {
        for spelling in [
            "",
            ".",
            "..",
            "acme.example..",
            "acme..example",
            "user@acme.example",
            "acme.example:",
            "acme.example:0",
            "acme.example:65536",
            "acme.example:+80",
            "acme.example:80:80",
            "[::1]",
            "[::1]:80",
            "acme example",
            "acme%2eexample",
            "acme.example/",
            "acme.example#",
            "-acme.example",
            "acme-.example",
            "acme.example\0",
            "b\u{fc}cher.example",
        ] {
            assert_eq!(host(spelling), None, "{spelling:?}");
        }
        assert_eq!(Host::from_authority(b"acme\xff.example"), Err(HostNameError));
        assert_eq!(host(&"a".repeat(64)), None);
        assert_eq!(host(&format!("{}.example", "a.".repeat(130))), None);
    }

    #[test]
    fn a_wildcard_matches_only_hosts_below_the_domain() {
        let pattern = HostPattern::parse("*.Acme.example").unwrap();
        let matches = |name: &str| pattern.matches(&Host::from_name(name).unwrap());
        assert!(matches("a.acme.example"));
        assert!(matches("a.b.acme.example"));
        assert!(!matches("acme.example"));
        assert!(!matches("evil-acme.example"));
        assert!(!matches("acmeXexample.example"));
        assert!(!matches("acme.example.evil.example"));
    }

    #[test]
    fn a_wildcard_elsewhere_is_refused() {
        for text in ["*", "a.*.example", "*.acme.*", "*a.example", "**.example.com"] {
            assert_eq!(HostPattern::parse(text), Err(HostPatternError::Wildcard), "{text}");
        }
        assert_eq!(HostPattern::parse("*.com"), Err(HostPatternError::TooWide));
        assert_eq!(HostPattern::parse("*."), Err(HostPatternError::TooWide));
        assert_eq!(HostPattern::parse("acme.example:443"), Err(HostPatternError::Name));
    }

    #[test]
    fn within_a_domain_respects_label_boundaries() {
        let domain = Host::from_name("acme.example").unwrap();
        assert!(Host::from_name("acme.example").unwrap().is_within(&domain));
        assert!(Host::from_name("x.acme.example").unwrap().is_within(&domain));
        assert!(!Host::from_name("xacme.example").unwrap().is_within(&domain));
    }
}
