//! The providers that their issuer URL tells, and what is particular about them.

/// A provider that its issuer URL tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownProvider {
    Auth0,
    Cognito,
    EntraId,
    Google,
    Keycloak,
    /// An authorization server of Okta, other than the one of the organization.
    Okta,
    /// The authorization server of an organization at Okta.
    OktaOrganization,
}

impl KnownProvider {
    /// The provider of this issuer, also of one that is not written as the provider does.
    pub(crate) fn of(issuer: &str) -> Option<Self> {
        let (host, path) = split(issuer)?;
        let host = host.to_ascii_lowercase();
        let ends = |domains: &[&str]| domains.iter().any(|domain| host.ends_with(domain));
        if host == "accounts.google.com" {
            Some(Self::Google)
        } else if host == "sts.windows.net" || host.starts_with("login.microsoftonline.") {
            Some(Self::EntraId)
        } else if ends(&[".okta.com", ".oktapreview.com", ".okta-emea.com"]) {
            Some(if path.starts_with("oauth2/") { Self::Okta } else { Self::OktaOrganization })
        } else if ends(&[".auth0.com"]) {
            Some(Self::Auth0)
        } else if host.starts_with("cognito-idp.") {
            Some(Self::Cognito)
        } else if path.starts_with("realms/") || path.contains("/realms/") {
            Some(Self::Keycloak)
        } else {
            None
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth0 => "Auth0",
            Self::Cognito => "Cognito",
            Self::EntraId => "Entra ID",
            Self::Google => "Google",
            Self::Keycloak => "Keycloak",
            Self::Okta | Self::OktaOrganization => "Okta",
        }
    }

    /// Whether it refuses a scope `groups`, as long as nobody has added one.
    pub(crate) fn lacks_groups(self) -> bool {
        matches!(self, Self::Cognito | Self::EntraId | Self::Google | Self::Keycloak | Self::Okta)
    }

    /// Whether nobody can add a scope `groups` there.
    pub(crate) fn never_has_groups(self) -> bool {
        matches!(self, Self::Cognito | Self::EntraId | Self::Google)
    }

    /// What to write as `login.scopes`.
    pub(crate) fn scopes(self, refreshes: bool) -> &'static str {
        match self {
            Self::EntraId | Self::Okta | Self::OktaOrganization | Self::Auth0 if refreshes => {
                "`[openid, profile, email, offline_access]`"
            }
            Self::Auth0
            | Self::Cognito
            | Self::EntraId
            | Self::Google
            | Self::Keycloak
            | Self::Okta
            | Self::OktaOrganization => "`[openid, profile, email]`",
        }
    }

    /// Whether it has addresses at this host, which is not that of its issuer.
    pub(crate) fn is_also_at(self, host: &str) -> bool {
        match self {
            Self::Google => {
                ["accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com", "openidconnect.googleapis.com"]
                    .contains(&host)
            }
            Self::EntraId => host == "graph.microsoft.com" || host.starts_with("login.microsoftonline."),
            // The domain of a pool may be its customer's own.
            Self::Cognito => true,
            Self::Auth0 | Self::Keycloak | Self::Okta | Self::OktaOrganization => false,
        }
    }

    /// What the paths of all endpoints of this issuer begin with, where several issuers share an
    /// origin. It ends with a slash.
    pub(crate) fn path_of_endpoints(self, issuer: &str) -> Option<String> {
        let (_, path) = split(issuer)?;
        match self {
            Self::Keycloak | Self::Okta => Some(format!("{path}/")),
            Self::EntraId => path.split('/').next().map(|tenant| format!("{tenant}/")),
            Self::Auth0 | Self::Cognito | Self::Google | Self::OktaOrganization => None,
        }
    }

    /// What user names are like where `identity.user` is `sub`, and whether this may be one.
    pub(crate) fn subject_form(self, text: &str) -> Option<(&'static str, bool)> {
        match self {
            // A user of a directory behind Keycloak may have `f:<id>:<name>`.
            Self::Keycloak => Some(("a UUID", is_uuid(text) || text.starts_with("f:"))),
            Self::EntraId => Some(("a text of 43 characters", text.len() == 43)),
            Self::Google => Some(("a number", text.bytes().all(|b| b.is_ascii_digit()))),
            Self::Cognito => Some(("a UUID", is_uuid(text))),
            Self::Auth0 => {
                Some(("a name such as \"auth0|5f7c8ec7\"", text.contains('|') || text.ends_with("@clients")))
            }
            Self::Okta | Self::OktaOrganization => None,
        }
    }
}

/// Host and path of a URL, without the slash between them.
pub(crate) fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.trim().split_once("://")?.1;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// Whether the text has the form of a UUID (RFC 9562), as Entra ID writes its identifiers.
pub(crate) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}
