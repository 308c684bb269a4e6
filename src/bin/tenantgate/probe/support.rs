//! What the provider says that it supports, compared with what the filter will ask for.

use tenantgate::jose::SignatureAlgorithm;
use tenantgate::tenant::{ClientAuthentication, Scopes, Tenant};

use super::finding::{Finding, listed};
use super::metadata::Metadata;

/// The findings about a tenant that will ask for these scopes, if they are known.
pub(super) fn probe(metadata: &Metadata, tenant: &Tenant, scope: Option<&str>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(scope.map(|scope| scopes(metadata, tenant, scope)));
    found.push(response_type(metadata));
    found.push(pkce(metadata));
    found.push(authentication(metadata, tenant));
    found.push(algorithms(metadata));
    found.extend(refresh(metadata, tenant));
    found.extend(sign_out(metadata, tenant));
    found
}

fn scopes(metadata: &Metadata, tenant: &Tenant, scope: &str) -> Finding {
    let Some(supported) = metadata.list("scopes_supported") else {
        return Finding::ok("scopes", format!("asks for {scope:?}; the provider does not list its scopes"));
    };
    let is_unknown = |asked: &&str| !supported.contains(asked);
    let unknown: Vec<&str> = scope.split(' ').filter(is_unknown).collect();
    if unknown.is_empty() {
        return Finding::ok("scopes", format!("asks for {scope:?}, which the provider lists"));
    }
    let message = format!(
        "asks for {}: expected in `scopes_supported`, received {}",
        listed(unknown),
        listed(supported.iter().copied())
    );
    let known: Vec<&str> = scope.split(' ').filter(|asked| !is_unknown(asked)).collect();
    let instead =
        if tenant.login.scopes == Scopes::Default { "leave the default" } else { "add the scope at the provider" };
    let help = format!("write `login.scopes: [{}]`, or {instead}; a list may be incomplete", known.join(", "));
    Finding::warning("scopes", message).help(help)
}

fn response_type(metadata: &Metadata) -> Finding {
    match metadata.list("response_types_supported") {
        Some(types) if types.contains(&"code") => Finding::ok("response type", "the provider supports `code`"),
        Some(types) => {
            let message = format!("`response_types_supported`: expected \"code\", received {}", listed(types));
            Finding::error("response type", message).help("the provider needs the authorization code flow")
        }
        None => Finding::warning("response type", "the provider does not list its response types"),
    }
}

fn pkce(metadata: &Metadata) -> Finding {
    match metadata.list("code_challenge_methods_supported") {
        Some(methods) if methods.contains(&"S256") => Finding::ok("pkce", "the provider supports S256"),
        Some(methods) => {
            let message =
                format!("`code_challenge_methods_supported`: expected \"S256\", received {}", listed(methods));
            Finding::warning("pkce", message).help("turn on PKCE with S256 at the provider")
        }
        None => Finding::ok("pkce", "the provider does not say whether it supports PKCE; most ignore it then"),
    }
}

fn authentication(metadata: &Metadata, tenant: &Tenant) -> Finding {
    let method = match &tenant.client.authentication {
        ClientAuthentication::Basic(_) => "client_secret_basic",
        ClientAuthentication::Post(_) => "client_secret_post",
        ClientAuthentication::PrivateKeyJwt { .. } => "private_key_jwt",
        ClientAuthentication::None => "none",
    };
    // The default of Discovery 1.0 section 3.
    let supported =
        metadata.list("token_endpoint_auth_methods_supported").unwrap_or_else(|| vec!["client_secret_basic"]);
    if supported.contains(&method) {
        return Finding::ok("client", format!("the provider supports {method}"));
    }
    let message = format!(
        "`token_endpoint_auth_methods_supported`: expected {method:?}, received {}",
        listed(supported.iter().copied())
    );
    // Many that take public clients do not list them.
    let found = Finding::error_if(method != "none", "client", message);
    let other = ["client_secret_basic", "client_secret_post"].into_iter().find(|other| supported.contains(other));
    match other.filter(|_| method.starts_with("client_secret")) {
        Some(other) => found.help(format!("write `provider.token_endpoint_auth_method: {other}`")),
        None => found.help("register the client with a method that both know"),
    }
}

fn algorithms(metadata: &Metadata) -> Finding {
    let Some(names) = metadata.list("id_token_signing_alg_values_supported") else {
        return Finding::ok("signatures", "the provider does not list the algorithms of its ID tokens");
    };
    let known: Vec<&str> = names.iter().copied().filter(|name| SignatureAlgorithm::parse(name).is_some()).collect();
    if known.is_empty() {
        let message = format!("expected an algorithm of a public key, received {}", listed(names));
        return Finding::error("signatures", message).help("let the provider sign with RS256 or ES256");
    }
    Finding::ok("signatures", format!("the provider signs ID tokens with {}", known.join(", ")))
}

fn refresh(metadata: &Metadata, tenant: &Tenant) -> Option<Finding> {
    tenant.refresh?;
    let grants = metadata.list("grant_types_supported")?;
    if grants.contains(&"refresh_token") {
        return None;
    }
    let message = format!("`grant_types_supported`: expected \"refresh_token\", received {}", listed(grants));
    Some(Finding::warning("refresh", message).help("permit refresh tokens for the client, or remove `refresh`"))
}

fn sign_out(metadata: &Metadata, tenant: &Tenant) -> Vec<Finding> {
    let mut found = Vec::new();
    let (login, endpoints) = (&tenant.login, &tenant.provider.endpoints);
    if login.post_logout_redirect_uri.is_some()
        && endpoints.end_session.is_none()
        && metadata.text("end_session_endpoint").is_none()
    {
        let message = "the provider has no `end_session_endpoint`, so a sign-out ends the session here only";
        found.push(Finding::warning("sign-out", message).help("remove `login.post_logout_redirect_uri`"));
    }
    if login.backchannel_logout_path.is_some() && !metadata.is_true("backchannel_logout_supported") {
        let message = "`backchannel_logout_supported`: expected true, received another value";
        found.push(
            Finding::warning("sign-out", message).help("the provider may never call `login.backchannel_logout_path`"),
        );
    }
    if login.userinfo && endpoints.userinfo.is_none() && metadata.text("userinfo_endpoint").is_none() {
        let message = "`userinfo_endpoint`: expected an address, received nothing";
        found.push(
            Finding::error("userinfo", message).help("remove `login.userinfo`, or write `provider.userinfo_endpoint`"),
        );
    }
    found
}
