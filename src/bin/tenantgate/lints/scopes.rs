//! Warnings about the scopes that a tenant asks for. For the providers that their issuer URL tells,
//! they say what to write.

use tenantgate::tenant::{OptionalScopes, Scopes, Tenant, WithoutToken};

use super::{Found, Indexed};
use crate::codes;

/// A provider that its issuer URL tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KnownProvider {
    EntraId,
    Google,
    Keycloak,
    /// An authorization server of Okta, other than the one of the organization.
    Okta,
}

pub(super) fn lint(tenant: Indexed<'_>) -> Vec<Found> {
    let warning = |message: &String| tenant.warning(codes::SCOPES, "login.scopes", message);
    messages(tenant.tenant).iter().map(warning).collect()
}

fn messages(tenant: &Tenant) -> Vec<String> {
    let provider = KnownProvider::of(&tenant.issuer);
    let is_default = tenant.login.scopes == Scopes::Default;
    let discovers = tenant.provider.discovers();
    let has = if is_default && discovers {
        // The providers of this list publish `offline_access`, except Google.
        OptionalScopes { groups: false, offline_access: provider != Some(KnownProvider::Google) }
    } else {
        OptionalScopes::NOT_DISCOVERED
    };
    let asked = tenant.login.scopes.parameter(has, tenant.refresh.is_some());
    let asks = |scope: &str| asked.split(' ').any(|asked| asked == scope);
    let ends = tenant.refresh.is_some_and(|refresh| refresh.without_token == WithoutToken::End);

    let mut warnings = Vec::new();
    if asks("groups")
        && let Some(provider) = provider
        && (is_default || provider.never_has_groups())
    {
        let scopes = provider.scopes(tenant.refresh.is_some());
        let or = if is_default { ", or set `provider.discovery: true`" } else { "" };
        let name = provider.name();
        warnings.push(format!("asks for `groups`, which {name} refuses unless it was added there; write {scopes}{or}"));
    }
    match provider {
        Some(KnownProvider::Google) if asks("offline_access") => {
            warnings.push("has `offline_access`, which Google refuses; leave it out".to_owned());
        }
        Some(KnownProvider::Google) if ends && !has_parameter(tenant, "access_type") => warnings.push(
            "Google sends a refresh token only with `login.parameters: {access_type: offline}` and `login.prompt: consent`"
                .to_owned(),
        ),
        Some(KnownProvider::Keycloak) if asks("offline_access") && tenant.refresh.is_some() => warnings.push(format!(
            "asks for `offline_access`; Keycloak sends refresh tokens without it, and with it they stay valid after \
             a sign-out there; write {}",
            KnownProvider::Keycloak.scopes(true)
        )),
        Some(KnownProvider::Google | KnownProvider::Keycloak) => {}
        None | Some(KnownProvider::EntraId | KnownProvider::Okta) if ends && !asks("offline_access") => {
            warnings.push(
                "has no `offline_access`; most issuers send a refresh token only with this scope, and without one the \
                 session ends after `refresh.interval`"
                    .to_owned(),
            );
        }
        None | Some(KnownProvider::EntraId | KnownProvider::Okta) => {}
    }
    warnings
}

fn has_parameter(tenant: &Tenant, name: &str) -> bool {
    tenant.login.request.others.iter().any(|(other, _)| other == name)
}

impl KnownProvider {
    fn of(issuer: &str) -> Option<Self> {
        let (host, path) = issuer.split_once("://")?.1.split_once('/').unwrap_or((issuer.split_once("://")?.1, ""));
        let is_okta = [".okta.com", ".oktapreview.com", ".okta-emea.com"].iter().any(|domain| host.ends_with(domain));
        match host {
            "accounts.google.com" => Some(Self::Google),
            "sts.windows.net" => Some(Self::EntraId),
            _ if host.starts_with("login.microsoftonline.") => Some(Self::EntraId),
            _ if is_okta && path.starts_with("oauth2/") => Some(Self::Okta),
            _ if path.starts_with("realms/") || path.contains("/realms/") => Some(Self::Keycloak),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::EntraId => "Entra ID",
            Self::Google => "Google",
            Self::Keycloak => "Keycloak",
            Self::Okta => "Okta",
        }
    }

    /// Whether nobody can add a scope `groups` there.
    fn never_has_groups(self) -> bool {
        matches!(self, Self::EntraId | Self::Google)
    }

    /// What to write as `login.scopes`.
    fn scopes(self, refreshes: bool) -> &'static str {
        match self {
            Self::EntraId | Self::Okta if refreshes => "`[openid, profile, email, offline_access]`",
            Self::EntraId | Self::Google | Self::Keycloak | Self::Okta => "`[openid, profile, email]`",
        }
    }
}
