//! The metadata of the provider (OpenID Connect Discovery 1.0), compared with the configuration.

use serde_json::{Map, Value};
use tenantgate::tenant::Tenant;
use url::Url;

use super::finding::{Finding, compared, quoted};
use crate::client::{Answer, Client};

/// The metadata as the provider publishes them.
pub(super) struct Metadata {
    pub(super) document: Map<String, Value>,
    pub(super) answer: std::rc::Rc<Answer>,
}

impl Metadata {
    /// Fetches the metadata. Without them, the finding says why.
    pub(super) fn fetch(client: &Client, tenant: &Tenant) -> Result<Self, Finding> {
        let Some(url) = address(&tenant.issuer) else {
            return Err(Finding::error(ABOUT, format!("{}: is no URL", quoted(&tenant.issuer))));
        };
        let matters = tenant.provider.discovers();
        let failed = |message: String| Finding::error_if(matters, ABOUT, format!("{url}: {message}"));
        let answer = client.document(&url).map_err(|reason| {
            failed(reason).help("the gateway needs a way there, too: compare the issuer and the cluster of Envoy")
        })?;
        let help = "the issuer is the URL that stands before /.well-known/openid-configuration";
        if answer.status != 200 {
            let to = answer.header("location").map_or_else(String::new, |to| format!(" to {}", quoted(to)));
            return Err(failed(format!("expected status 200, received {}{to}", answer.status)).help(help));
        }
        match serde_json::from_slice(&answer.body) {
            Ok(Value::Object(document)) => Ok(Self { document, answer }),
            _ => {
                let kind = answer.header("content-type").unwrap_or("nothing");
                Err(failed(format!("expected a JSON object, received {}", quoted(kind))).help(help))
            }
        }
    }

    /// A member that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.document.get(name)?.as_str()
    }

    /// A member that is a list of texts, if there is one.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.document.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.document.get(name) == Some(&Value::Bool(true))
    }

    /// Whether the provider has the configured issuer, byte for byte (section 4.3).
    pub(super) fn issuer(&self, tenant: &Tenant) -> Finding {
        let expected = &tenant.issuer;
        let Some(received) = self.text("issuer") else {
            return Finding::error(ABOUT, format!("`issuer`: expected {}, received nothing", quoted(expected)));
        };
        if received == expected {
            return Finding::ok(ABOUT, format!("`issuer` is {}, byte for byte", quoted(expected)));
        }
        let found = Finding::error(ABOUT, compared("`issuer`", expected, received));
        let write = format!("write `issuer: {received}`");
        if received.contains('{') {
            return found
                .help("this address is for all directories: write the issuer with the id of the customer's directory");
        }
        if received.trim_end_matches('/') == expected.trim_end_matches('/') {
            return found
                .help(format!("{write}; the two differ by the final slash, and an issuer is compared byte for byte"));
        }
        if received.eq_ignore_ascii_case(expected) {
            return found.help(format!("{write}; the two differ by upper and lower case"));
        }
        found.help(format!(
            "{write} if that is the customer's; an issuer is compared byte for byte with `iss` of the tokens"
        ))
    }

    /// The configured addresses that differ from the published ones.
    pub(super) fn endpoints(&self, tenant: &Tenant) -> Vec<Finding> {
        let endpoints = &tenant.provider.endpoints;
        let configured = [
            ("authorization_endpoint", &endpoints.authorization),
            ("token_endpoint", &endpoints.token),
            ("userinfo_endpoint", &endpoints.userinfo),
            ("end_session_endpoint", &endpoints.end_session),
            ("revocation_endpoint", &endpoints.revocation),
        ];
        let differing = configured.into_iter().filter_map(|(name, configured)| {
            let (configured, published) = (configured.as_ref()?, self.text(name)?);
            let same = Url::parse(published).is_ok_and(|published| published == *configured);
            (!same).then(|| {
                let message = compared(&format!("`{name}`"), configured.as_str(), published);
                Finding::warning("endpoints", message).help(format!("write `provider.{name}: {published}`"))
            })
        });
        differing.collect()
    }
}

/// Where the metadata of an issuer are (section 4).
pub(super) fn address(issuer: &str) -> Option<Url> {
    Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))).ok()
}

const ABOUT: &str = "discovery";
