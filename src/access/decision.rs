//! The decision of the access rules about one request, and the proofs that it may go to the
//! upstream.

use std::net::IpAddr;

use super::describe::{Description, conditions};
use super::error::{AccessError, Denial};
use super::path::{Ambiguity, PlainPath};
use super::preflight::is_preflight;
use super::subject::{Scopes, Subject};
use crate::http::host::Host;
use crate::http::request::{RequestHead, Target};
use crate::identity::VerifiedIdentity;
use crate::tenant::Tenant;
use crate::tenant::access::{AccessRules, Allow, Matched, PathMatching, Spelling, Verdict, is_blank};

/// The decision of a tenant's access rules about one request, made before the identity is known.
pub struct RouteDecision<'a> {
    head: &'a RequestHead,
    tenant: &'a Tenant,
    decided: Decided<'a>,
}

enum Decided<'a> {
    /// The path has more than one reading, and the tenant has rules about paths.
    Ambiguous(Ambiguity),
    /// A rule is about the address of the client, which the host did not provide.
    ClientUnknown,
    /// The rule with this number decides, or the default if there is no number.
    By(Option<usize>, &'a Verdict),
}

/// Proof that the access rules permit this request for this identity. Only
/// [`RouteDecision::permit`] makes one.
pub struct Permitted<'a> {
    head: &'a RequestHead,
    tenant: &'a Tenant,
    identity: &'a VerifiedIdentity,
    roles: Vec<&'a str>,
    dry_run_violation: Option<AccessError>,
}

/// Proof that the access rules permit this request without an identity. Only
/// [`RouteDecision::without_user`] makes one.
pub struct Public<'a> {
    head: &'a RequestHead,
    tenant: &'a Tenant,
}

/// The decision about a request without an identity.
pub enum AnonymousDecision<'a> {
    /// The request may go without an identity.
    Public(Public<'a>),
    /// The request is denied, whoever signs in.
    Refused(AccessError),
    /// The decision depends on who signs in.
    UserNeeded,
}

impl<'a> RouteDecision<'a> {
    /// Finds the first rule that matches the request. The host is asked for the address of the
    /// client only if a rule is about it.
    pub fn new(
        head: &'a RequestHead,
        tenant: &'a Tenant,
        host: &Host,
        target: Target<'_>,
        client: &dyn Fn() -> Option<IpAddr>,
    ) -> Self {
        let access = &tenant.access;
        let client = access.is_by_client().then(client).flatten();
        if access.is_by_client() && client.is_none() {
            return Self { head, tenant, decided: Decided::ClientUnknown };
        }
        // Without rules about paths, an ambiguous path cannot change the decision.
        let path = if access.is_by_path() {
            PlainPath::read(target, head.only(":path").unwrap_or_default())
        } else {
            Ok(PlainPath::ROOT)
        };
        let matched = path.and_then(|path| Self::find(access, host, &path, head.only(":method"), client));
        let rule = match matched {
            Ok(rule) => rule,
            Err(ambiguity) => return Self { head, tenant, decided: Decided::Ambiguous(ambiguity) },
        };
        let decided = match rule {
            Some((number, verdict @ Verdict::Deny)) => Decided::By(Some(number), verdict),
            _ if access.policy().cors_preflight && is_preflight(head, target) => Decided::By(None, &PUBLIC),
            Some((number, verdict)) => Decided::By(Some(number), verdict),
            None if access.policy().deny_by_default => Decided::By(None, &DENY),
            None => Decided::By(None, &ANY_USER),
        };
        Self { head, tenant, decided }
    }

    /// The rule with its number, if one matches.
    fn find<'t>(
        access: &'t AccessRules,
        host: &Host,
        path: &PlainPath<'_>,
        method: Option<&[u8]>,
        client: Option<IpAddr>,
    ) -> Result<Option<(usize, &'t Verdict)>, Ambiguity> {
        let matching = access.policy().path_matching;
        if matching != PathMatching::Exact && path.segments().any(is_blank) {
            return Err(Ambiguity::BlankSegment);
        }
        let path: Vec<Spelling<'_>> = path.segments().map(|segment| Spelling::new(segment, matching)).collect();
        if matching != PathMatching::Exact
            && path.iter().filter(|segment| segment.is_script()).count() > PlainPath::MAX_SCRIPTS
        {
            return Err(Ambiguity::Scripts);
        }
        match access.rule(host, &path, method, client) {
            Matched::Rule(number, verdict) => Ok(Some((number, verdict))),
            Matched::None => Ok(None),
            Matched::Resembles(number) => Err(Ambiguity::Resembles(number)),
            Matched::PartDiffers => Err(Ambiguity::PartDiffers),
        }
    }

    /// Permits the request for `identity`.
    ///
    /// # Errors
    /// [`AccessError`]. In a dry run the only error is [`AccessError::OtherTenant`].
    pub fn permit(&self, identity: &'a VerifiedIdentity) -> Result<Permitted<'a>, AccessError> {
        let Self { head, tenant, .. } = *self;
        if identity.tenant() != &tenant.name {
            return Err(AccessError::OtherTenant);
        }
        let subject = Subject::new(identity, tenant);
        let dry_run_violation = match self.judge(&subject) {
            Ok(()) => None,
            Err(error) if tenant.access.policy().dry_run => Some(error),
            Err(error) => return Err(error),
        };
        Ok(Permitted { head, tenant, identity, roles: subject.into_roles(), dry_run_violation })
    }

    fn judge(&self, subject: &Subject<'_>) -> Result<(), AccessError> {
        match self.decided {
            Decided::Ambiguous(ambiguity) => Err(AccessError::Ambiguous(ambiguity)),
            Decided::ClientUnknown => Err(AccessError::ClientUnknown),
            Decided::By(_, Verdict::Public | Verdict::AnyUser) => Ok(()),
            Decided::By(rule, Verdict::Deny) => Err(AccessError::DeniedToAll(rule)),
            Decided::By(_, Verdict::Allow(allow)) if subject.fits(allow, Scopes::Granted) => Ok(()),
            Decided::By(_, Verdict::Allow(allow)) if subject.fits(allow, Scopes::All) => {
                Err(AccessError::Scopes(scopes(allow)))
            }
            Decided::By(rule, Verdict::Allow(allow)) => Err(AccessError::Denied(Denial {
                rule: rule.unwrap_or_default(),
                path: self.path().to_owned(),
                allowed: conditions(allow),
                groups: subject.groups(),
                claim: self.tenant.identity.groups.claim.to_string(),
                lacks_email: subject.lacks_email(allow),
            })),
        }
    }

    fn path(&self) -> &'a str {
        self.head.only(":path").and_then(Target::parse).map_or("/", |target| target.path)
    }

    /// The decision in words.
    pub fn describe(&self) -> Description<'a> {
        match self.decided {
            Decided::Ambiguous(ambiguity) => Description::Refused(AccessError::Ambiguous(ambiguity)),
            Decided::ClientUnknown => Description::Refused(AccessError::ClientUnknown),
            Decided::By(rule, verdict) => Description::Decided(rule, verdict),
        }
    }

    /// Decides about the request without an identity. In a dry run a denied request still needs a
    /// signed-in user: a violation is permitted only with an identity.
    pub fn without_user(&self) -> AnonymousDecision<'a> {
        let Self { head, tenant, .. } = *self;
        match self.decided {
            Decided::By(_, Verdict::Public) => AnonymousDecision::Public(Public { head, tenant }),
            Decided::Ambiguous(ambiguity) => AnonymousDecision::Refused(AccessError::Ambiguous(ambiguity)),
            Decided::ClientUnknown => AnonymousDecision::Refused(AccessError::ClientUnknown),
            Decided::By(rule, Verdict::Deny) if !tenant.access.policy().dry_run => {
                AnonymousDecision::Refused(AccessError::DeniedToAll(rule))
            }
            Decided::By(_, Verdict::AnyUser | Verdict::Allow(_) | Verdict::Deny) => AnonymousDecision::UserNeeded,
        }
    }
}

impl<'a> Permitted<'a> {
    /// The request that the rules permit.
    pub fn head(&self) -> &'a RequestHead {
        self.head
    }

    /// The tenant whose rules permit it.
    pub fn tenant(&self) -> &'a Tenant {
        self.tenant
    }

    /// The identity that may make the request. It belongs to [`tenant`](Self::tenant).
    pub fn identity(&self) -> &'a VerifiedIdentity {
        self.identity
    }

    /// The roles of the identity at this moment, in the order of the configuration.
    pub fn roles(&self) -> &[&'a str] {
        &self.roles
    }

    /// In a dry run: the reason why the rules would deny the request.
    pub fn dry_run_violation(&self) -> Option<&AccessError> {
        self.dry_run_violation.as_ref()
    }
}

impl<'a> Public<'a> {
    /// The request that the rules permit.
    pub fn head(&self) -> &'a RequestHead {
        self.head
    }

    /// The tenant whose rules permit it.
    pub fn tenant(&self) -> &'a Tenant {
        self.tenant
    }
}

static PUBLIC: Verdict = Verdict::Public;
static ANY_USER: Verdict = Verdict::AnyUser;
static DENY: Verdict = Verdict::Deny;

/// The scopes that a rule names, each once.
fn scopes(allow: &Allow) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in allow.criteria().flat_map(|criteria| criteria.scopes.iter()) {
        if !scopes.iter().any(|own| own == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{identity, runtime, tenants};

    #[test]
    fn an_identity_of_another_tenant_is_never_permitted() {
        let runtime = runtime(&["k"]);
        let [a, b] = tenants(&runtime);
        let identity = identity(&runtime, a, "ada");
        let head = RequestHead::default();
        let (host, target) = (Host::from_name("a.example").unwrap(), Target::parse(b"/").unwrap());
        assert!(RouteDecision::new(&head, a, &host, target, &|| None).permit(&identity).is_ok());
        assert_eq!(
            RouteDecision::new(&head, b, &host, target, &|| None).permit(&identity).err(),
            Some(AccessError::OtherTenant)
        );
    }
}
