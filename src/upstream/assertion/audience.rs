//! The audience of an assertion, which may depend on the request.

/// A value of `aud`, in which `{tenant}` stands for the name of the tenant and `{host}` for the
/// host of the request.
#[derive(Debug)]
pub(crate) struct Audience(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Tenant,
    Host,
}

impl Audience {
    /// The audience of the service on each host, which is used if none is configured.
    pub(crate) fn of_host() -> Self {
        Self(vec![Part::Text("https://".to_owned()), Part::Host])
    }

    /// `None` for an empty text, and for braces around anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (before, from_brace) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            if before.contains('}') {
                return None;
            }
            parts.push(Part::Text(before.to_owned()));
            rest = from_brace;
            if let Some(named) = from_brace.strip_prefix('{') {
                let (name, after) = named.split_once('}')?;
                parts.push(match name {
                    "tenant" => Part::Tenant,
                    "host" => Part::Host,
                    _ => return None,
                });
                rest = after;
            }
        }
        (!parts.is_empty()).then_some(Self(parts))
    }

    /// Whether the audience depends on the host of the request.
    pub(super) fn needs_host(&self) -> bool {
        self.0.contains(&Part::Host)
    }

    /// The value for a request.
    pub(super) fn value(&self, tenant: &str, host: &str) -> String {
        let mut value = String::new();
        for part in &self.0 {
            value.push_str(match part {
                Part::Text(text) => text,
                Part::Tenant => tenant,
                Part::Host => host,
            });
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_others_refused() {
        for (text, value) in [("up", "up"), ("{tenant}", "acme"), ("https://{host}/{tenant}", "https://a.example/acme")]
        {
            let audience = Audience::parse(text).unwrap();
            assert_eq!(audience.value("acme", "a.example"), value);
            assert_eq!(audience.needs_host(), text.contains("{host}"), "{text}");
        }
        for text in ["", "{", "{Host}", "{host", "}{host}", "{path}", "a}", "{host}}", "{{host}}"] {
            assert!(Audience::parse(text).is_none(), "{text}");
        }
    }
}
