//! The audience of an assertion, which may depend on the request.

/// A value of `aud`, in which `{tenant}` stands for the name of the tenant and `{host}` for the
/// host of the request.
#[derive(Debug)]
pub(crate) struct Audience(String);

impl Audience {
    /// The audience of the service on each host, which is used if none is configured.
    pub(crate) fn of_host() -> Self {
        Self(format!("https://{HOST}"))
    }

    /// `None` for an empty text, and for braces around anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.replace(TENANT, "").replace(HOST, "");
        (!text.is_empty() && !rest.contains(['{', '}'])).then(|| Self(text.to_owned()))
    }

    /// Whether the audience depends on the host of the request.
    pub(super) fn needs_host(&self) -> bool {
        self.0.contains(HOST)
    }

    /// The value for a request.
    pub(super) fn value(&self, tenant: &str, host: &str) -> String {
        self.0.replace(TENANT, tenant).replace(HOST, host)
    }
}

const TENANT: &str = "{tenant}";
const HOST: &str = "{host}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_others_refused() {
        for (text, value) in [("up", "up"), ("{tenant}", "acme"), ("https://{host}/{tenant}", "https://a.example/acme")]
        {
            assert_eq!(Audience::parse(text).unwrap().value("acme", "a.example"), value);
        }
        for text in ["", "{", "{Host}", "{host", "}{host}", "{path}"] {
            assert!(Audience::parse(text).is_none(), "{text}");
        }
    }
}
