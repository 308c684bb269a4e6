//! The audit: a JSON line for each decision about a request, if the configuration asks for it
//! (`log.audit`).

use super::encoding::ascii_json;
use super::event::Event;
use super::tenant_name::TenantName;

/// What a request asks for, as an audit line names it.
#[derive(Clone, Debug)]
pub(crate) struct AuditedRequest {
    /// The method.
    pub(crate) method: String,
    /// The host of the request, with a port if it has one.
    pub(crate) host: String,
    /// The path without the query, which can have codes and other secrets.
    pub(crate) path: String,
}

/// A decision about a request. Its name is a public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The request goes to the upstream.
    Allow,
    /// The request is refused, or a login fails.
    Deny,
    /// A session begins.
    Login,
    /// Sessions end early.
    Logout,
    /// A session is renewed at the issuer, or cannot be.
    Refresh,
    /// A refresh token is revoked at the issuer, or cannot be.
    Revocation,
}

/// The facts of an audit line, beside the request.
pub(crate) struct AuditFacts<'a> {
    /// The decision.
    pub(crate) decision: Decision,
    /// The event that has the decision in the log. An allowed request has none.
    pub(crate) event: Option<Event>,
    /// The tenant, if it is known.
    pub(crate) tenant: Option<&'a TenantName>,
    /// The request id.
    pub(crate) request_id: &'a str,
    /// The user, if it is known.
    pub(crate) user: Option<&'a str>,
    /// The reason for the log.
    pub(crate) reason: &'a str,
}

impl AuditedRequest {
    /// Takes what the client sent. What is not UTF-8 is replaced, and what is long is cut.
    pub(crate) fn new(method: &[u8], authority: &[u8], path: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..MAX_LENGTH).unwrap_or(bytes)).into_owned();
        let path = path.split(|byte| b"?#".contains(byte)).next().unwrap_or_default();
        Self { method: text(method), host: text(authority), path: text(path) }
    }

    /// The audit line: `audit ` and a JSON object.
    pub(crate) fn line(&self, facts: &AuditFacts<'_>) -> String {
        let AuditFacts { decision, event, tenant, request_id, user, reason } = *facts;
        let members = [
            ("decision", Some(decision.name())),
            ("event", event.map(Event::name)),
            ("tenant", tenant.map(TenantName::as_str)),
            ("user", user),
            ("request_id", Some(request_id)),
            ("method", Some(&self.method)),
            ("host", Some(&self.host)),
            ("path", Some(&self.path)),
            ("reason", Some(reason)),
        ];
        let mut line = "audit {".to_owned();
        for (name, value) in members {
            let Some(value) = value else { continue };
            let separator = if line.ends_with('{') { "\"" } else { ",\"" };
            line.extend([separator, name, "\":", &ascii_json(&value.into())]);
        }
        line.push('}');
        line
    }
}

impl Decision {
    /// The decision that an event is about. An event without one has no audit line.
    pub(crate) fn of(event: Event) -> Option<Self> {
        let by_event = DECISIONS.iter().find(|(own, _)| *own == event).map(|(_, decision)| *decision);
        let is_sign_out = matches!(event, Event::LogoutConfirmation | Event::SignedOut);
        by_event.or_else(|| (Event::PAGES.contains(&event) && !is_sign_out).then_some(Self::Deny))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
        }
    }
}

/// The decisions of events beside the pages. A page is a denial, but for those about a sign-out.
const DECISIONS: [(Event, Decision); 13] = [
    (Event::BackchannelLogout, Decision::Logout),
    (Event::BodyTimeout, Decision::Deny),
    (Event::FrontchannelLogout, Decision::Logout),
    (Event::HostInvalid, Decision::Deny),
    (Event::LoginFinished, Decision::Login),
    (Event::Logout, Decision::Logout),
    (Event::RefreshFailed, Decision::Refresh),
    (Event::RefreshRejected, Decision::Refresh),
    (Event::RevocationFailed, Decision::Revocation),
    (Event::SessionRefreshed, Decision::Refresh),
    (Event::TenantBroken, Decision::Deny),
    (Event::TokenRevoked, Decision::Revocation),
    (Event::UnknownHost, Decision::Deny),
];
/// The longest method, host or path in a line, in bytes.
const MAX_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_without_the_query() {
        let request = AuditedRequest::new(b"GET", b"acme.example", b"/a\"\n\xff?code=secret");
        let facts = AuditFacts {
            decision: Decision::Deny,
            event: Some(Event::AccessDenied),
            tenant: None,
            request_id: "1",
            user: Some("ada\r\n"),
            reason: "no",
        };
        assert_eq!(
            request.line(&facts),
            "audit {\"decision\":\"deny\",\"event\":\"access_denied\",\"user\":\"ada\\r\\n\",\"request_id\":\"1\",\
             \"method\":\"GET\",\"host\":\"acme.example\",\"path\":\"/a\\\"\\n\\ufffd\",\"reason\":\"no\"}"
        );
        let long = AuditedRequest::new(b"GET", b"", &[b'a'; 5000]);
        assert_eq!(long.path.len(), 1024);
    }
}
