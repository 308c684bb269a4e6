//! A browser's cookie jar: which cookies it keeps and sends (RFC 6265bis).

use super::clock::Clock;
use super::harness::Reply;

/// A cookie jar.
#[derive(Clone)]
pub struct Browser {
    pub cookies: Vec<Cookie>,
    clock: Clock,
}

/// One cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    /// The host that set it, or its `Domain` attribute.
    pub domain: String,
    pub host_only: bool,
    pub expires: u64,
}

impl Browser {
    pub fn new(clock: Clock) -> Self {
        Self { cookies: Vec::new(), clock }
    }

    /// The `cookie` header for a request to `host`, if there are cookies for it.
    pub fn cookie_line(&self, host: &str) -> Option<String> {
        let now = self.clock.now();
        let sent: Vec<String> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.expires > now && cookie.matches(host))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }

    /// Processes the `set-cookie` headers of an answer from `host`.
    pub fn take(&mut self, host: &str, reply: &Reply) {
        // Cookies of the upstream are ignored.
        for line in reply.all("set-cookie").filter(|line| line.contains("tenantgate")) {
            self.take_line(host, line);
        }
    }

    fn take_line(&mut self, host: &str, line: &str) {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<(String, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let attribute = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, value)| *value);

        // Every cookie of the filter has these attributes; a browser drops a prefixed cookie
        // without them.
        assert!(attribute("secure").is_some() && attribute("httponly").is_some(), "{line}");
        assert_eq!((attribute("path"), attribute("samesite")), (Some("/"), Some("Lax")), "{line}");
        assert_eq!(name.starts_with("__Host-"), attribute("domain").is_none(), "{line}");
        assert!(name.starts_with("__Host-") || name.starts_with("__Secure-"), "{line}");
        assert!(name.len() + value.len() <= 4096, "too long for a browser");

        let age: u64 = attribute("max-age").unwrap().parse().unwrap();
        let domain = attribute("domain").unwrap_or(host).to_owned();
        assert!(host == domain || host.ends_with(&format!(".{domain}")), "{line}");
        let host_only = attribute("domain").is_none();
        self.cookies.retain(|cookie| (cookie.name.as_str(), &cookie.domain) != (name, &domain));
        if age > 0 {
            let expires = self.clock.now() + age;
            self.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned(), domain, host_only, expires });
        }
    }

    /// The cookies whose name contains `part`.
    pub fn named(&self, part: &str) -> Vec<Cookie> {
        self.cookies.iter().filter(|cookie| cookie.name.contains(part)).cloned().collect()
    }

    pub fn has_session(&self) -> bool {
        !self.named("-session").is_empty() || !self.named("~session").is_empty()
    }
}

impl Cookie {
    fn matches(&self, host: &str) -> bool {
        host == self.domain || (!self.host_only && host.ends_with(&format!(".{}", self.domain)))
    }
}
