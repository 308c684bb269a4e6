//! What the rules say about one request, and the proofs that it may go to the upstream.

use std::fmt;

use super::path::{Ambiguity, PlainPath};
use super::subject::{Scopes, Subject};
use crate::http::host::Host;
use crate::http::request::{RequestHead, Target};
use crate::identity::VerifiedIdentity;
use crate::tenant::Tenant;
use crate::tenant::access::{Allow, Verdict};

/// What the rules of a tenant say about one request, before it is known who sent it.
pub struct RouteDecision<'a> {
    head: &'a RequestHead,
    tenant: &'a Tenant,
    decided: Decided<'a>,
}

enum Decided<'a> {
    /// The path can be read in two ways, and there are rules about paths.
    Ambiguous(Ambiguity),
    /// By the rule of this number, or by none.
    By(Option<usize>, &'a Verdict),
}

/// The proof that the rules let an identity make this very request. Nothing else makes one.
pub struct Permitted<'a> {
    head: &'a RequestHead,
    tenant: &'a Tenant,
    identity: &'a VerifiedIdentity,
    roles: Vec<&'a str>,
    dry_run_violation: Option<AccessError>,
}

/// The proof that the rules let anybody make this very request.
pub struct Public<'a> {
    head: &'a RequestHead,
    tenant: &'a Tenant,
}

/// What becomes of a request that nobody stands behind.
pub enum AnonymousDecision<'a> {
    /// It may go as it is.
    Public(Public<'a>),
    /// It is refused, whoever would sign in.
    Refused(AccessError),
    /// It depends on who signs in.
    UserNeeded,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// The path can be read in two ways.
    Ambiguous(Ambiguity),
    /// The rule of this number denies it to everybody, or no rule fits and that denies it.
    Denied(Option<usize>),
    /// The rule of this number lets others through.
    Others(usize),
    /// The identity belongs to another tenant.
    OtherTenant,
    /// The bearer token would do if it had one or all of these scopes.
    Scopes(Vec<String>),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous(ambiguity) => write!(f, "`:path` has {ambiguity}, which servers read in different ways"),
            Self::Denied(Some(rule)) => write!(f, "access[{rule}] denies it"),
            Self::Denied(None) => f.write_str("no rule of `access` fits, and `access_default` is deny"),
            Self::Others(rule) => write!(f, "access[{rule}] is for others"),
            Self::OtherTenant => f.write_str("the identity belongs to another tenant"),
            Self::Scopes(_) => f.write_str("a required scope is missing"),
        }
    }
}

impl std::error::Error for AccessError {}

impl<'a> RouteDecision<'a> {
    /// Finds the rule that decides.
    pub fn new(head: &'a RequestHead, tenant: &'a Tenant, host: &Host, target: Target<'_>) -> Self {
        let access = &tenant.access;
        // Where no rule is about paths, one path is as good as another.
        let path = if access.is_by_path() {
            PlainPath::read(target, head.only(":path").unwrap_or_default())
        } else {
            Ok(PlainPath::ROOT)
        };
        let rule = match path {
            Ok(ref path) => access.rule(host, path.segments(), head.only(":method")),
            Err(ambiguity) => return Self { head, tenant, decided: Decided::Ambiguous(ambiguity) },
        };
        let decided = match rule {
            Some((number, verdict @ Verdict::Deny)) => Decided::By(Some(number), verdict),
            _ if access.policy().cors_preflight && is_preflight(head) => Decided::By(None, &PUBLIC),
            Some((number, verdict)) => Decided::By(Some(number), verdict),
            None if access.policy().deny_by_default => Decided::By(None, &DENY),
            None => Decided::By(None, &ANY_USER),
        };
        Self { head, tenant, decided }
    }

    /// Whether `identity` may make the request.
    ///
    /// # Errors
    /// [`AccessError`]; in a dry run only where the identity is none of this tenant.
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
            Decided::By(_, Verdict::Public | Verdict::AnyUser) => Ok(()),
            Decided::By(rule, Verdict::Deny) => Err(AccessError::Denied(rule)),
            Decided::By(_, Verdict::Allow(allow)) if subject.fits(allow, Scopes::Granted) => Ok(()),
            Decided::By(_, Verdict::Allow(allow)) if subject.fits(allow, Scopes::All) => {
                Err(AccessError::Scopes(scopes(allow)))
            }
            Decided::By(rule, Verdict::Allow(_)) => Err(AccessError::Others(rule.unwrap_or_default())),
        }
    }

    /// What becomes of the request if nobody stands behind it. A dry run lets users through, and nobody else.
    pub fn without_user(&self) -> AnonymousDecision<'a> {
        let Self { head, tenant, .. } = *self;
        match self.decided {
            Decided::By(_, Verdict::Public) => AnonymousDecision::Public(Public { head, tenant }),
            Decided::Ambiguous(ambiguity) => AnonymousDecision::Refused(AccessError::Ambiguous(ambiguity)),
            Decided::By(rule, Verdict::Deny) if !tenant.access.policy().dry_run => {
                AnonymousDecision::Refused(AccessError::Denied(rule))
            }
            Decided::By(_, Verdict::AnyUser | Verdict::Allow(_) | Verdict::Deny) => AnonymousDecision::UserNeeded,
        }
    }
}

impl<'a> Permitted<'a> {
    /// The request that was judged.
    pub fn head(&self) -> &'a RequestHead {
        self.head
    }

    /// The tenant whose rules they were.
    pub fn tenant(&self) -> &'a Tenant {
        self.tenant
    }

    /// Who may make it; of the same tenant.
    pub fn identity(&self) -> &'a VerifiedIdentity {
        self.identity
    }

    /// The roles that this identity has at this moment, in the order of the configuration.
    pub fn roles(&self) -> &[&'a str] {
        &self.roles
    }

    /// What the rules have against it, in a dry run.
    pub fn dry_run_violation(&self) -> Option<&AccessError> {
        self.dry_run_violation.as_ref()
    }
}

impl<'a> Public<'a> {
    /// The request that was judged.
    pub fn head(&self) -> &'a RequestHead {
        self.head
    }

    /// The tenant whose rules they were.
    pub fn tenant(&self) -> &'a Tenant {
        self.tenant
    }
}

static PUBLIC: Verdict = Verdict::Public;
static ANY_USER: Verdict = Verdict::AnyUser;
static DENY: Verdict = Verdict::Deny;

/// Every scope that is named, each once.
fn scopes(allow: &Allow) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in allow.criteria().flat_map(|criteria| criteria.scopes.iter()) {
        if !scopes.iter().any(|own| own == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// A CORS preflight request (Fetch Standard section 3.3.2): it names one method. Browsers send no credentials with one.
fn is_preflight(head: &RequestHead) -> bool {
    let is_method = |text: &[u8]| !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    head.only(":method") == Some(b"OPTIONS")
        && head.only("origin").is_some_and(|origin| !origin.is_empty())
        && head.only("access-control-request-method").is_some_and(is_method)
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
        assert!(RouteDecision::new(&head, a, &host, target).permit(&identity).is_ok());
        assert_eq!(RouteDecision::new(&head, b, &host, target).permit(&identity).err(), Some(AccessError::OtherTenant));
    }
}
