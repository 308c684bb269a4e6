//! The tenant as YAML.

use super::Onboarding;
use super::addresses::BACKCHANNEL_LOGOUT;
use super::provider::Provider;
use crate::render::{indented, list, scalar};

impl Onboarding {
    /// A whole configuration with the tenant.
    pub(super) fn yaml(&self) -> String {
        let (name, provider) = (&self.name, self.provider.name());
        let tenant = indented(&self.tenant(), "  ");
        format!(
            "# {name} at {provider}, made by `tenantgate onboard`.\n{}session:\n  keys:\n    - {{id: \"1\", env: \
             {SESSION_KEY}}} # what `tenantgate session-key` prints\ntenants:\n{tenant}",
            self.notes(),
        )
    }

    /// What was changed of the issuer, as comments.
    pub(super) fn notes(&self) -> String {
        self.issuer.notes.iter().map(|note| format!("# Note: {note}.\n")).collect()
    }

    /// What stands for the client id until it is known, in the form that the provider's have.
    fn client_id_to_come(&self) -> String {
        let name = self.variable("CLIENT_ID");
        match self.provider {
            Provider::Entra => "00000000-0000-0000-0000-000000000000".to_owned(),
            Provider::Google => format!("{name}.apps.googleusercontent.com"),
            Provider::Auth0 | Provider::Dex | Provider::Keycloak | Provider::Okta | Provider::Other => name,
        }
    }

    /// The element of `tenants`.
    pub(super) fn tenant(&self) -> String {
        let mut lines = Vec::new();
        let (issuer, facts) = (&self.issuer.text, &self.facts);
        let mut line = |text: String| lines.push(text);
        line(format!("- name: {}", scalar(&self.name)));
        line(format!("  hosts: {}", list(self.hosts.iter().map(String::as_str))));
        line(format!("  issuer: {} # byte for byte as in the tokens", url(issuer)));
        if issuer.starts_with("http:") {
            line("  allow_insecure_issuer: true # for development only".to_owned());
        }
        match (&self.client_id, facts.client_id) {
            (Some(id), _) => line(format!("  client_id: {}", scalar(id))),
            (None, None) => line("  client_id: tenantgate".to_owned()),
            (None, Some(name)) => {
                line(format!("  client_id: {} # replace it by the \"{name}\"", self.client_id_to_come()));
            }
        }
        line(format!("  client_secret: {{env: {}}}", self.secret_variable()));
        line("  provider:".to_owned());
        line(format!("    cluster: {}", scalar(&self.cluster())));
        line("    discovery: true".to_owned());
        if !facts.trusted_origins.is_empty() {
            let origins: Vec<String> = facts.trusted_origins.iter().map(|origin| url(origin)).collect();
            line(format!("    trusted_origins: [{}]", origins.join(", ")));
        }
        line("  login:".to_owned());
        line(format!("    scopes: {}", list(facts.scopes.iter().copied())));
        if let Some((redirect_uri, domain)) = &self.addresses.shared {
            line(format!("    redirect_uri: {}", url(redirect_uri)));
            line(format!("    cookie_domain: {}", scalar(domain)));
        }
        if let Some(uri) = &self.addresses.post_logout {
            line(format!("    post_logout_redirect_uri: {}", url(uri)));
        }
        if self.addresses.backchannel_logout.is_some() {
            line(format!("    backchannel_logout_path: {BACKCHANNEL_LOGOUT}"));
        }
        if let (Provider::Google, Some(domain)) = (self.provider, &self.domain) {
            line(format!(
                "    parameters: {{hd: {}}} # shows the accounts of this domain; the rule below checks it",
                scalar(domain)
            ));
        }
        line("  identity:".to_owned());
        let (claim, about) = facts.user;
        line(format!("    user: {claim} # {about}"));
        if let Some(groups) = self.groups_claim().filter(|groups| groups != "groups") {
            line(format!("    groups: {}", url(&groups)));
        }
        if let (Provider::Google, Some(domain)) = (self.provider, &self.domain) {
            line("  access:".to_owned());
            line(
                "    # Everybody with a Google account has this issuer. Only users of the domain have this claim."
                    .to_owned(),
            );
            line(format!("    - {{allow: {{claims: [{{claim: hd, values: {}}}]}}}}", list([domain.as_str()])));
        }
        lines.join("\n") + "\n"
    }

    /// The name of the cluster.
    fn cluster(&self) -> String {
        let kind = match self.provider {
            Provider::Auth0 => "auth0",
            Provider::Dex => "dex",
            Provider::Entra => "entra",
            Provider::Google => "google",
            Provider::Keycloak => "keycloak",
            Provider::Okta => "okta",
            Provider::Other => "provider",
        };
        format!("{kind}_{}", self.name)
    }
}

/// A URL as a scalar: plain, unless it has what ends one in brackets.
fn url(url: &str) -> String {
    let is_harmless =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-' | ':' | '~' | '%' | '+' | '@');
    match url.starts_with("http") && url.chars().all(is_harmless) && !url.ends_with(':') {
        true => url.to_owned(),
        false => scalar(url),
    }
}

pub(super) const SESSION_KEY: &str = "TENANTGATE_SESSION_KEY";
