//! `tenants[]`: one tenant. If it has mistakes, the parts that could be read are kept.

use std::sync::Arc;

use serde_json::Value;

use super::alike::Sections;
use super::client_authentication::Credential;
use super::code::Code;
use super::cursor::{Cursor, Errors, Object, Section};
use super::error::ConfigError;
use super::hosts::{Hosts, hosts};
use super::load_context::LoadContext;
use super::values::{Scheme, listed, moment, secret, url};
use super::{access, bearer, client_key, csrf, headers, identity, keys, login, pages, provider, refresh, roles};
use crate::base::secret::Secret;
use crate::http::host::Host;
use crate::runtime::CompiledTenant;
use crate::tenant::{Client, IdentityClaims, IdentityHeaders, Tenant, TenantName};

/// The parts of a tenant that could be read, and its mistakes.
pub(super) struct PartialTenant {
    /// The tenant in messages: `tenant "acme"`, or `tenants[3]` if it has no valid name.
    pub(super) label: String,
    /// The name, if it is valid.
    pub(super) name: Option<TenantName>,
    /// The hosts that could be read, and those that could not.
    pub(super) hosts: Hosts,
    /// The domain of its cookies, if it has one.
    pub(super) cookie_domain: Option<Host>,
    /// The headers for the upstream. `None` if the section has a mistake.
    pub(super) headers: Option<Arc<IdentityHeaders>>,
    /// The names of these headers that could be read, whatever is wrong in the section.
    pub(super) header_names: Arc<[String]>,
    /// The tenant. `None` if a part that it needs could not be read.
    pub(super) tenant: Option<Arc<Tenant>>,
    /// The mistakes of the tenant.
    pub(super) errors: Errors,
}

/// What of the signed assertion a tenant must not use, too.
#[derive(Debug)]
pub(super) struct AssertionNames {
    /// The name of its header.
    pub(super) header: String,
    /// The path of its keys.
    pub(super) jwks_path: String,
}

/// Reads the tenant with this index. `assertion` is what the signed assertion uses, if there is
/// one, and `sections` are those that tenants have alike.
pub(super) fn tenant(
    index: usize,
    value: &Value,
    context: LoadContext<'_>,
    assertion: Option<&AssertionNames>,
    sections: &Sections,
) -> PartialTenant {
    let section = Section::default();
    let object = Cursor::root(value, &section).object();

    let name = name(&object.field("name").about(Code::NAME));
    let hosts = hosts(&object.field("hosts").about(Code::HOSTS));
    let insecure = object.field("allow_insecure_issuer").about(Code::ISSUER).boolean().unwrap_or(false);
    let scheme = if insecure { Scheme::Insecure } else { Scheme::Secure };
    let issuer = issuer(&object.field("issuer").about(Code::ISSUER), scheme);
    let client_id = client_id(&object.field("client_id").about(Code::CLIENT));
    let client_secret = object.field("client_secret").about(Code::CLIENT);
    let secret = secret(&client_secret, context.environment).filter(|text| is_sendable(&client_secret, text));
    let client_key = object.field("client_key").about(Code::CLIENT);
    let key = client_key::client_key(&client_key, context.environment);
    let credential = match (client_secret.is_present(), client_key.is_present()) {
        (false, false) => Credential::None,
        (true, false) => Credential::Secret,
        (false, true) => Credential::Key,
        (true, true) => {
            client_key.error("cannot be combined with `client_secret`; remove one of them");
            Credential::Key
        }
    };
    let trusted_audiences = listed(&object.field("trusted_audiences").about(Code::BEARER), &mut bearer::audience);
    let provider_at = object.field("provider").about(Code::PROVIDER);
    let fetches = provider::fetches(&provider_at);
    let keys = sections.keys.read(&object, &["id_token_signed_response_alg", "keys"], fetches, &mut || {
        let algorithms_at = object.field("id_token_signed_response_alg").about(Code::KEYS);
        let algorithms = keys::algorithms(&algorithms_at);
        let keys = keys::keys(&object.field("keys").about(Code::KEYS), context.host, fetches);
        let (keys, algorithms) = keys.zip(algorithms)?;
        let keys = keys.for_each(algorithms.unwrap_or_default());
        if algorithms.is_some_and(|algorithms| !fetches && !keys.verifies_any(algorithms)) {
            algorithms_at.error("has no algorithm of a key in `keys`");
        }
        Some((Arc::new(keys), algorithms))
    });
    let (provider, method) =
        provider::provider(&provider_at, scheme, issuer.as_deref(), credential, &sections.without_endpoints);
    let login_at = object.field("login").about(Code::LOGIN);
    let mut read_login = || login::login(&login_at, scheme, &hosts.read, name.as_ref()).map(Arc::new);
    let login = match login::depends_on_tenant(&login_at, &hosts.read) {
        true => read_login(),
        false => sections.login.read(&object, &["login"], insecure, &mut read_login),
    };
    let cookie_domain = login.as_ref().and_then(|login| Some(login.cookie_domain.as_ref()?.domain.clone()));
    if let (Some(login), Some(assertion)) = (&login, assertion)
        && login.own_paths().any(|path| path == assertion.jwks_path)
    {
        login_at.error(format!("has a path that is `assertion.jwks_path`, too: \"{}\"", assertion.jwks_path));
    }
    let trusted_origins = csrf::csrf(&object.field("csrf").about(Code::CSRF), scheme);
    let refresh = refresh::refresh(&object.field("refresh").about(Code::REFRESH));
    let bearer = sections.bearer.read(&object, &["bearer"], false, &mut || {
        Some(bearer::bearer(&object.field("bearer").about(Code::BEARER))?.map(Arc::new))
    });
    let access = sections.access.read(&object, &access::FIELDS, false, &mut || {
        let identity = identity::identity(&object.field("identity").about(Code::IDENTITY));
        let roles = roles::roles(&object.field("roles").about(Code::ROLES));
        let access = access::access(&object, roles.as_ref());
        let (access, retained) = access?;
        Some((Arc::new(IdentityClaims { retained, ..identity? }), Arc::new(roles?), Arc::new(access)))
    });
    let (headers, header_names) = headers(&object, assertion, sections);
    let pages = sections.pages.read(&object, &["pages"], insecure, &mut || {
        pages::pages(&object.field("pages").about(Code::PAGES), scheme).map(Arc::new)
    });
    if let (Some(provider), Some(login)) = (&provider, &login)
        && login.userinfo
        && provider.endpoints.userinfo.is_none()
        && !provider.discovers()
    {
        provider_at.object().field("userinfo_endpoint").error("is missing; `login.userinfo` needs it");
    }
    let sessions_not_before = moment(&object.field("sessions_not_before").about(Code::SESSION));
    object.finish();

    let authentication = method.and_then(|method| method.with(secret, key));
    let label = name.as_ref().map_or_else(|| format!("tenants[{index}]"), |name| format!("tenant \"{name}\""));
    let tenant = (|| {
        let ((identity, roles, access), headers, (keys, id_token_algorithms)) = (access?, headers.as_ref()?, keys?);
        Some(Arc::new(Tenant {
            name: name.clone()?,
            hosts: hosts.read.to_vec(),
            issuer: issuer?,
            client: Client { id: client_id?, authentication: authentication? },
            id_token_algorithms,
            trusted_audiences: trusted_audiences?,
            keys,
            provider: provider?,
            login: login?,
            trusted_origins: trusted_origins?,
            refresh: refresh?,
            bearer: bearer?,
            identity: sections.identity(identity, headers, assertion.is_some()),
            roles,
            access,
            headers: headers.clone(),
            pages: pages?,
            sessions_not_before,
        }))
    })();
    PartialTenant { label, name, hosts, cookie_domain, headers, header_names, tenant, errors: section.errors }
}

impl PartialTenant {
    /// The tenant without mistakes, or those of its mistakes that are `told`. `index` is its index.
    pub(super) fn compiled(self, index: usize, told: &dyn Fn(&ConfigError) -> bool) -> CompiledTenant {
        let Self { label, name, hosts, tenant, errors, .. } = self;
        let mistakes = errors.into_config_errors(Some((&label, index)));
        let tenant = match tenant {
            Some(tenant) if mistakes.is_empty() => Ok(tenant),
            _ => Err(mistakes.iter().filter(|mistake| told(mistake)).map(ToString::to_string).collect()),
        };
        CompiledTenant { name, hosts: hosts.read, tenant }
    }
}

/// Reads the headers of a tenant, if they have no mistake, and the names of those that could be
/// read.
pub(super) fn headers(
    tenant: &Object<'_>,
    assertion: Option<&AssertionNames>,
    sections: &Sections,
) -> (Option<Arc<IdentityHeaders>>, Arc<[String]>) {
    let mut read_names: Arc<[String]> = Arc::default();
    let headers = sections.headers.read(tenant, &["headers"], false, &mut || {
        let at = tenant.field("headers").about(Code::HEADERS);
        let (headers, names) = headers::headers(&at, assertion.map(|assertion| assertion.header.as_str()));
        read_names = names.into();
        Some((Arc::new(headers?), read_names.clone()))
    });
    match headers {
        Some((headers, names)) => (Some(headers), names),
        None => (None, read_names),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where tenants get their names")]
fn name(at: &Cursor<'_>) -> Option<TenantName> {
    let text = at.required_text()?;
    let name = TenantName::parse(text);
    if name.is_none() {
        at.error(format!("{text:?} is not a tenant name: 1 to 63 letters, digits, \"-\", \"_\" and \".\""));
    }
    name
}

/// Reads the Issuer Identifier (OpenID Connect Core section 2). It is not normalized, because `iss`
/// of a token must equal it byte by byte.
fn issuer(at: &Cursor<'_>, scheme: Scheme) -> Option<String> {
    let text = at.required_text()?;
    let url = url(at, scheme)?;
    if url.query().is_some() {
        return at.refuse("has a query; an Issuer Identifier has none");
    }
    Some(text.to_owned())
}

/// Whether the secret has no control character, which none has (RFC 6749 appendix A.2). Files with
/// a secret often end with a line break.
fn is_sendable(at: &Cursor<'_>, secret: &Secret<String>) -> bool {
    let is_sendable = !secret.expose_secret().bytes().any(|byte| byte.is_ascii_control());
    if !is_sendable {
        at.error("has a line break or another control character, often at its end; remove it");
    }
    is_sendable
}

/// Reads the client identifier: printable ASCII (RFC 6749 appendix A.1).
fn client_id(at: &Cursor<'_>) -> Option<String> {
    let text = at.required_text()?;
    if text.is_empty() || text.len() > 255 || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return at.refuse("is not a client id: 1 to 255 printable ASCII characters");
    }
    Some(text.to_owned())
}
