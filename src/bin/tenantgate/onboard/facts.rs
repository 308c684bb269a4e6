//! What is known of the clients of each provider. docs/operations.md says the same for people.

use super::provider::Provider;

/// How a tenant of a provider is configured, and what is registered there.
pub(super) struct Facts {
    /// The scopes that the provider knows.
    pub(super) scopes: &'static [&'static str],
    /// The claim for the user name, and what is to be said of it.
    pub(super) user: (&'static str, &'static str),
    pub(super) groups: Groups,
    /// The origins besides the issuer that the metadata name.
    pub(super) trusted_origins: &'static [&'static str],
    /// Whether it takes the browser back after a sign-out.
    pub(super) signs_out: bool,
    /// Whether it tells clients that a session has ended.
    pub(super) has_backchannel_logout: bool,
    /// What the provider calls the client id, if it chooses it.
    pub(super) client_id: Option<&'static str>,
    /// What to do there, besides the table of addresses.
    pub(super) steps: &'static [&'static str],
}

/// The claim with the groups.
pub(super) enum Groups {
    None,
    Claim(&'static str),
    /// A claim whose name is a URL, which the customer chooses: this path at the host.
    Url(&'static str),
}

impl Facts {
    pub(super) fn of(provider: Provider, issuer: &str) -> Self {
        match provider {
            Provider::Auth0 => Self {
                groups: Groups::Url("/groups"),
                user: ("email", "only verified addresses count; `sub` is auth0|..."),
                has_backchannel_logout: true,
                client_id: Some("Client ID"),
                steps: AUTH0,
                ..COMMON
            },
            Provider::Dex => Self {
                scopes: &["openid", "profile", "email", "groups"],
                user: ("email", "or preferred_username, which SAML connectors do not give; `sub` of dex is unreadable"),
                signs_out: false,
                steps: DEX,
                ..COMMON
            },
            Provider::Entra => Self {
                user: ("preferred_username", "the User Principal Name; `oid` stays when a user is renamed"),
                client_id: Some("Application (client) ID"),
                steps: ENTRA,
                ..COMMON
            },
            Provider::Google => Self {
                user: ("email", "only verified addresses count; `sub` is a number"),
                groups: Groups::None,
                trusted_origins: &["https://oauth2.googleapis.com", "https://www.googleapis.com"],
                signs_out: false,
                client_id: Some("Client ID"),
                steps: GOOGLE,
                ..COMMON
            },
            Provider::Keycloak => Self { has_backchannel_logout: true, steps: KEYCLOAK, ..COMMON },
            // Only the authorization server of the organization has a scope `groups`.
            Provider::Okta if !issuer.contains("/oauth2/") => Self {
                scopes: &["openid", "profile", "email", "groups"],
                client_id: Some("Client ID"),
                steps: OKTA,
                ..COMMON
            },
            Provider::Okta => Self { client_id: Some("Client ID"), steps: OKTA_SERVER, ..COMMON },
            Provider::Other => Self { steps: OTHER, ..COMMON },
        }
    }
}

const COMMON: Facts = Facts {
    scopes: &["openid", "profile", "email"],
    user: ("preferred_username", "the name with which the user signs in"),
    groups: Groups::Claim("groups"),
    trusted_origins: &[],
    signs_out: true,
    has_backchannel_logout: false,
    client_id: None,
    steps: &[],
};

const AUTH0: &[&str] = &[
    "Create an application of the type \"Regular Web Application\".",
    "Write the redirect URI into \"Allowed Callback URLs\", the address after a sign-out into \"Allowed Logout URLs\".",
    "Add an Action to the trigger post-login that puts the roles or groups of the user into the claim below: \
     `api.idToken.setCustomClaim(<claim>, event.authorization.roles)`.",
];

const DEX: &[&str] = &[
    "Add the client to `staticClients`: `id`, `secret`, `name`, and the redirect URI in `redirectURIs`.",
    "Let the connector give groups: `groupSearch` for LDAP, `groupsAttr` for SAML.",
];

const ENTRA: &[&str] = &[
    "Register an application for accounts in this directory only, with the redirect URI as platform \"Web\".",
    "Under \"Certificates & secrets\", create a client secret; note the day on which it ends.",
    "Under \"Token configuration\", add a groups claim for \"Groups assigned to the application\" to the ID token. Of \
     users with some 200 groups, Entra ID leaves them out otherwise. Groups of the cloud come as object ids.",
    "In the enterprise application, set \"Assignment required\", and assign the users and groups.",
];

const GOOGLE: &[&str] = &[
    "Create an OAuth client ID of the type \"Web application\", and write the redirect URI into \"Authorized redirect URIs\".",
    "Set the user type of the consent screen to \"Internal\", so that only users of the organization sign in.",
];

const KEYCLOAK: &[&str] = &[
    "Create an OpenID Connect client with \"Client authentication\" and \"Standard flow\" on.",
    "Write the redirect URI into \"Valid redirect URIs\", the address after a sign-out into \"Valid post logout redirect \
     URIs\", and the back-channel logout URI into \"Backchannel logout URL\", with \"Backchannel logout session required\" on.",
    "In the dedicated scope of the client, add a mapper \"Group Membership\": claim `groups`, \"Full group path\" off, \
     \"Add to ID token\" on.",
];

const OKTA: &[&str] = &[
    "Create an app integration: OIDC, \"Web Application\", grant type \"Authorization Code\".",
    "Under \"Sign On\", set the groups claim filter of the ID token: `groups`, \"Matches regex\", `.*`.",
    "Assign the people and groups who may sign in.",
];

const OKTA_SERVER: &[&str] = &[
    "Create an app integration: OIDC, \"Web Application\", grant type \"Authorization Code\".",
    "Under \"Security\", \"API\", add a claim `groups` to the authorization server: ID token, always, value type \"Groups\", \
     filter \"Matches regex\" `.*`.",
    "Assign the people and groups who may sign in.",
];

const OTHER: &[&str] = &[
    "Register a confidential client for the authorization code flow with PKCE (S256).",
    "Let the ID token have the groups of the user as a list of names.",
];
