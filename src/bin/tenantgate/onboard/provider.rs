//! The providers that the tool knows, and the issuers that they have.

use clap::ValueEnum;
use url::Url;

use crate::known_provider::KnownProvider;

/// A kind of OpenID Provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    Auth0,
    Dex,
    Entra,
    Google,
    Keycloak,
    Okta,
    /// Any other one.
    Other,
}

/// An issuer as it has to be configured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Issuer {
    pub(super) text: String,
    /// What was changed of what the user gave, and why.
    pub(super) notes: Vec<&'static str>,
}

impl Provider {
    /// The provider that this issuer tells.
    pub(super) fn of(issuer: &Url) -> Self {
        let is_dex = || {
            let host = issuer.host_str().unwrap_or_default();
            host.starts_with("dex.") || issuer.path().trim_end_matches('/').ends_with("/dex")
        };
        match KnownProvider::of(issuer.as_str()) {
            Some(KnownProvider::Google) => Self::Google,
            Some(KnownProvider::EntraId) => Self::Entra,
            Some(KnownProvider::Auth0) => Self::Auth0,
            Some(KnownProvider::Okta | KnownProvider::OktaOrganization) => Self::Okta,
            Some(KnownProvider::Keycloak) => Self::Keycloak,
            Some(KnownProvider::Cognito) => Self::Other,
            None if is_dex() => Self::Dex,
            None => Self::Other,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auth0 => "Auth0",
            Self::Dex => "dex",
            Self::Entra => "Entra ID",
            Self::Google => "Google",
            Self::Keycloak => "Keycloak",
            Self::Okta => "Okta",
            Self::Other => "the OpenID Provider",
        }
    }

    /// The issuer that the provider writes into its tokens, where that can be told from what people
    /// copy.
    pub(super) fn issuer(self, given: &str) -> Result<Issuer, String> {
        let mut notes = Vec::new();
        let mut text = given.trim().to_owned();
        if let Some(base) = text.split_once("/.well-known/").map(|(base, _)| base.to_owned()) {
            notes.push("the issuer is what stands before /.well-known/ in the address of the metadata");
            text = base;
        }
        let url = parse(&text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{text:?} is no issuer: it has a query or a fragment"));
        }
        match self {
            Self::Auth0 if !text.ends_with('/') => {
                notes.push("the issuer of Auth0 ends with a slash");
                text.push('/');
            }
            Self::Google if text.ends_with('/') => {
                notes.push("the issuer of Google ends without a slash");
                text.truncate(text.trim_end_matches('/').len());
            }
            Self::Entra => {
                let directory = url.path_segments().and_then(|mut parts| parts.next()).unwrap_or_default();
                if matches!(directory, "" | "common" | "organizations" | "consumers") {
                    return Err(format!(
                        "{text:?} names no directory, and tokens do: write the id of the customer's directory, \
                         https://login.microsoftonline.com/<id>/v2.0"
                    ));
                }
                let without_slash = text.trim_end_matches('/');
                if url.host_str() != Some("sts.windows.net") && !without_slash.ends_with("/v2.0") {
                    notes.push("the issuer of Entra ID ends with /v2.0");
                    text = format!("{without_slash}/v2.0");
                }
            }
            Self::Auth0 | Self::Dex | Self::Google | Self::Keycloak | Self::Okta | Self::Other => {}
        }
        Ok(Issuer { text, notes })
    }
}

/// Reads an issuer, which is an https URL, or an http URL for development.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    url.ok_or_else(|| format!("{text:?} is no issuer; write a URL such as https://dex.acme.example"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_tells_the_provider() {
        for (issuer, provider) in [
            ("https://acme.eu.auth0.com/", Provider::Auth0),
            ("https://dex.acme.example", Provider::Dex),
            ("https://login.acme.example/dex/", Provider::Dex),
            ("https://login.microsoftonline.com/8c6ac1f0/v2.0", Provider::Entra),
            ("https://sts.windows.net/8c6ac1f0/", Provider::Entra),
            ("https://accounts.google.com", Provider::Google),
            ("https://sso.acme.example/realms/acme", Provider::Keycloak),
            ("https://sso.acme.example/auth/realms/acme", Provider::Keycloak),
            ("https://acme.okta.com/oauth2/default", Provider::Okta),
            ("https://login.acme.example", Provider::Other),
            ("https://notauth0.com", Provider::Other),
        ] {
            assert_eq!(Provider::of(&Url::parse(issuer).unwrap()), provider, "{issuer}");
        }
    }

    #[test]
    fn what_people_copy_becomes_the_issuer() {
        for (provider, given, expected) in [
            (Provider::Auth0, "https://acme.eu.auth0.com", "https://acme.eu.auth0.com/"),
            (
                Provider::Auth0,
                "https://acme.eu.auth0.com/.well-known/openid-configuration",
                "https://acme.eu.auth0.com/",
            ),
            (Provider::Google, "https://accounts.google.com/", "https://accounts.google.com"),
            (Provider::Entra, "https://login.microsoftonline.com/8c6a/", "https://login.microsoftonline.com/8c6a/v2.0"),
            (
                Provider::Entra,
                "https://login.microsoftonline.com/8c6a/v2.0",
                "https://login.microsoftonline.com/8c6a/v2.0",
            ),
            (Provider::Entra, "https://sts.windows.net/8c6a/", "https://sts.windows.net/8c6a/"),
            (Provider::Keycloak, " https://k/realms/a/.well-known/openid-configuration", "https://k/realms/a"),
            // Which of the two is right cannot be told.
            (Provider::Dex, "https://dex.acme.example/", "https://dex.acme.example/"),
        ] {
            let issuer = provider.issuer(given).unwrap();
            assert_eq!(issuer.text, expected);
            assert_eq!(issuer.notes.is_empty(), issuer.text == given, "{given}");
        }
        for (provider, given) in [
            (Provider::Entra, "https://login.microsoftonline.com/common/v2.0"),
            (Provider::Other, "https://login.acme.example/?a=b"),
            (Provider::Other, "login.acme.example"),
            (Provider::Other, "ftp://login.acme.example"),
        ] {
            assert!(provider.issuer(given).is_err(), "{given}");
        }
    }
}
