//! What the tenants of a gate need of Envoy. It is read from the file, so that a tenant with a
//! mistake elsewhere is checked, too. What cannot be read here is a mistake that the filter finds.

use tenantgate::config::Code;
use url::{Host, Url};

use super::Finding;
use super::spot::Spot;
use crate::yaml::Node;

/// A tenant of the configuration.
pub(super) struct Tenant<'d> {
    pub(super) name: &'d str,
    pub(super) provider: Option<Provider<'d>>,
    pub(super) has_backchannel_logout: bool,
    /// Whether a rule is about paths.
    pub(super) has_paths: bool,
    /// Whether a rule is about addresses of clients.
    pub(super) has_client_ips: bool,
    index: usize,
    configuration: Spot<'d>,
}

/// Where the filter calls the provider of a tenant.
pub(super) struct Provider<'d> {
    pub(super) cluster: &'d str,
    /// The issuer as it is written.
    pub(super) issuer: &'d str,
    issuer_url: Url,
    /// The token endpoint, which gets the secret, or the issuer, if that is discovered.
    pub(super) endpoint: Url,
    /// The hosts that the filter may call, and their ports.
    pub(super) hosts: Vec<String>,
    pub(super) ports: Vec<u16>,
}

/// A tenant whose provider is known.
pub(super) type Client<'t, 'd> = (&'t Tenant<'d>, &'t Provider<'d>);

/// The tenants of a configuration.
pub(super) fn tenants(configuration: Spot<'_>) -> Vec<Tenant<'_>> {
    let tenants = configuration.list(&["tenants"]).enumerate();
    tenants.map(|(index, tenant)| Tenant::new(index, tenant, configuration)).collect()
}

impl<'d> Tenant<'d> {
    fn new(index: usize, tenant: Spot<'d>, configuration: Spot<'d>) -> Self {
        let has_rule = |field: &str| tenant.list(&["access"]).any(|rule| rule.has(field));
        Self {
            name: tenant.text_of(&["name"]).unwrap_or_default(),
            provider: Provider::new(tenant),
            has_backchannel_logout: tenant.text_of(&["login", "backchannel_logout_path"]).is_some(),
            has_paths: has_rule("paths"),
            has_client_ips: has_rule("client_ips"),
            index,
            configuration,
        }
    }

    /// `tenant "acme"`.
    pub(super) fn subject(&self) -> String {
        format!("tenant \"{}\"", self.name)
    }

    pub(super) fn error(&self, code: Code, path: &str, message: impl Into<String>) -> Finding {
        let place = format!("tenants[{}].{path}", self.index);
        let mut found = self.configuration.error(code, &self.subject(), &place, message);
        path.clone_into(&mut found.diagnostic.path);
        found
    }

    pub(super) fn warning(&self, code: Code, path: &str, message: impl Into<String>) -> Finding {
        let Finding { file, diagnostic } = self.error(code, path, message);
        Finding { file, diagnostic: diagnostic.into_warning() }
    }
}

impl<'d> Provider<'d> {
    fn new(tenant: Spot<'d>) -> Option<Self> {
        // One with a user name or password is a mistake, and may be a secret.
        let is_usable = |url: &Url| {
            matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none()
        };
        let url = |text: &str| Url::parse(text).ok().filter(is_usable);
        let provider = tenant.field("provider")?;
        let cluster = provider.text_of(&["cluster"]).filter(|name| !name.is_empty())?;
        let issuer = tenant.text_of(&["issuer"])?;
        let issuer_url = url(issuer).filter(|url| url.query().is_none())?;
        let configured = |name: &&str| provider.text_of(&[name]).and_then(url);
        let endpoint = configured(&"token_endpoint").unwrap_or_else(|| issuer_url.clone());
        let discovered = provider.node.flag("discovery").unwrap_or_default();
        let trusted = provider.list(&["trusted_origins"]).filter_map(|origin| url(origin.scalar()));
        let known = discovered.then(|| issuer_url.clone()).into_iter().chain(trusted);
        let called: Vec<Url> = known.chain(CALLED.iter().filter_map(configured)).chain([endpoint.clone()]).collect();
        let hosts = called.iter().filter_map(|url| url.host_str().map(str::to_ascii_lowercase)).collect();
        let ports = called.iter().filter_map(Url::port_or_known_default).collect();
        Some(Self { cluster, issuer, issuer_url, endpoint, hosts, ports })
    }

    pub(super) fn is_https(&self) -> bool {
        self.endpoint.scheme() == "https"
    }

    /// The host that gets the secret. An IPv6 address has no brackets.
    pub(super) fn host(&self) -> &str {
        self.endpoint.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.endpoint.port_or_known_default().unwrap_or(443)
    }

    /// Whether the host is an address instead of a name.
    pub(super) fn is_address(&self) -> bool {
        !matches!(self.endpoint.host(), Some(Host::Domain(_)))
    }

    /// Whether the filter calls this host for the tenant.
    pub(super) fn calls(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.hosts.iter().any(|called| called.eq_ignore_ascii_case(host))
    }

    /// Whether both are at one server. A provider may have many issuers, such as the realms of
    /// Keycloak.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        self.issuer_url.origin() == other.issuer_url.origin() || self.endpoint.origin() == other.endpoint.origin()
    }
}

/// The other endpoints that the filter calls.
const CALLED: [&str; 3] = ["jwks_uri", "userinfo_endpoint", "revocation_endpoint"];

/// The names of the identity headers of a configuration, in lower case.
pub(super) fn identity_headers(configuration: &Node) -> Vec<String> {
    let mut names = vec!["x-auth-request-".to_owned()];
    for headers in configuration.field("tenants").map(Node::elements).unwrap_or_default() {
        for member in headers.get("headers").map(Node::members).unwrap_or_default() {
            let is_name = member.key.text().is_some_and(|name| HEADERS.contains(&name));
            names.extend(member.value.text().filter(|_| is_name).map(str::to_ascii_lowercase));
            let claims = member.value.members().iter().filter(|_| member.key.text() == Some("claims"));
            names.extend(claims.filter_map(|claim| claim.key.text()).map(str::to_ascii_lowercase));
        }
    }
    names.retain(|name| name != "false" && name.len() > 2);
    names
}

const HEADERS: [&str; 5] = ["user", "email", "groups", "roles", "tenant"];
