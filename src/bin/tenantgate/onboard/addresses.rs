//! The addresses of a tenant that are registered at its provider.

use tenantgate::http::host::HostPattern;

use super::facts::Facts;

/// The addresses of a tenant.
pub(super) struct Addresses {
    /// The first exact host.
    pub(super) host: String,
    /// Each has to be registered.
    pub(super) redirect_uris: Vec<String>,
    /// With a wildcard: the one redirect URI for all hosts, and the domain that they share cookies
    /// under.
    pub(super) shared: Option<(String, String)>,
    pub(super) post_logout: Option<String>,
    pub(super) backchannel_logout: Option<String>,
    pub(super) initiate_login: String,
}

impl Addresses {
    pub(super) fn new(hosts: &[String], facts: &Facts) -> Result<Self, String> {
        let mut exact = Vec::new();
        let mut below = None;
        for host in hosts {
            match HostPattern::parse(host).map_err(|error| format!("{host:?}: {error}"))? {
                HostPattern::Exact(host) => exact.push(host),
                HostPattern::Below(domain) => below = Some(domain),
            }
        }
        let Some(first) = exact.first() else {
            return Err(
                "a login has to return to an exact host: name one besides the wildcard, `--host acme.example.com`"
                    .to_owned(),
            );
        };
        let uri = |path: &str| format!("https://{first}{path}");
        let shared = match below {
            None => None,
            Some(domain) if exact.iter().all(|host| host.is_within(&domain)) => {
                Some((uri(CALLBACK), domain.to_string()))
            }
            Some(domain) => {
                return Err(format!("the hosts share cookies under {domain}, so each has to be {domain} or below it"));
            }
        };
        let redirect_uris = match &shared {
            Some((uri, _)) => vec![uri.clone()],
            None => exact.iter().map(|host| format!("https://{host}{CALLBACK}")).collect(),
        };
        Ok(Self {
            host: first.to_string(),
            redirect_uris,
            shared,
            post_logout: facts.signs_out.then(|| uri("/")),
            backchannel_logout: facts.has_backchannel_logout.then(|| uri(BACKCHANNEL_LOGOUT)),
            initiate_login: uri("/oauth2/login"),
        })
    }
}

/// The default of `login.callback_path`.
const CALLBACK: &str = "/oauth2/callback";
/// What the examples write as `login.backchannel_logout_path`, which has no default.
pub(super) const BACKCHANNEL_LOGOUT: &str = "/oauth2/backchannel-logout";
