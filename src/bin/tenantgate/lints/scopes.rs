//! Warnings about the scopes that a tenant asks for. For the providers that their issuer URL tells,
//! they say what to write.

use tenantgate::tenant::{OptionalScopes, Scopes, Tenant, WithoutToken};

use super::Found;
use super::site::Site;
use crate::codes;
use crate::known_provider::KnownProvider;

pub(super) fn lint(site: &Site<'_>, tenant: &Tenant) -> Vec<Found> {
    let warning = |message: &String| site.warning(codes::SCOPES, "login.scopes", message);
    messages(site, tenant).iter().map(warning).collect()
}

fn messages(site: &Site<'_>, tenant: &Tenant) -> Vec<String> {
    let provider = site.provider();
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
        && let Some(provider) = provider.filter(|provider| provider.lacks_groups())
        && (is_default || provider.never_has_groups())
    {
        let scopes = provider.scopes(tenant.refresh.is_some());
        let or = if is_default { ", or set `provider.discovery: true`" } else { "" };
        let name = provider.name();
        warnings.push(format!("asks for `groups`, which {name} refuses unless it was added there; write {scopes}{or}"));
    }
    let is = |known: KnownProvider| provider == Some(known);
    if is(KnownProvider::Google) || is(KnownProvider::Cognito) {
        if asks("offline_access") {
            let name = provider.map_or("", KnownProvider::name);
            warnings.push(format!("has `offline_access`, which {name} refuses; leave it out"));
        } else if is(KnownProvider::Google) && ends && !has_parameter(tenant, "access_type") {
            warnings.push(
                "Google sends no refresh token for them; set `login.parameters: {access_type: offline}` and \
                 `login.prompt: consent`"
                    .to_owned(),
            );
        }
    } else if is(KnownProvider::Keycloak) {
        if asks("offline_access") && tenant.refresh.is_some() {
            warnings.push(format!(
                "asks for `offline_access`, with which refresh tokens stay valid after a sign-out at Keycloak, and it \
                 sends them without; write {}",
                KnownProvider::Keycloak.scopes(true)
            ));
        }
    } else if ends && !asks("offline_access") {
        warnings.push(format!(
            "has no `offline_access`, and most issuers send a refresh token only with this scope, so sessions end \
             after `refresh.interval`; write {}, or `refresh.without_token: keep`",
            with_offline_access(&asked)
        ));
    }
    warnings
}

/// The list of these scopes with `offline_access`.
fn with_offline_access(asked: &str) -> String {
    format!("`[{}, offline_access]`", asked.replace(' ', ", "))
}

fn has_parameter(tenant: &Tenant, name: &str) -> bool {
    tenant.login.request.others.iter().any(|(other, _)| other == name)
}
