//! `tenants[].access`: the access rules.

use serde_json::Value;

use super::code::Code;
use super::cursor::{Cursor, Object};
use super::hosts::host_pattern;
use super::identity::claim;
use super::login::scope;
use super::values::{listed, names, one_of};
use crate::http::host::HostPattern;
use crate::tenant::access::{
    AccessPolicy, AccessRules, Allow, AnyOf, ClaimValues, Criteria, NameSet, Network, PathMatching, PathPattern, Roles,
    Rule, Verdict,
};
use crate::tenant::{ClaimPath, RetainedClaims};

/// The fields of a tenant on which identity, roles and rules depend, in the order of reading.
pub(super) const FIELDS: [&str; 7] =
    ["identity", "roles", "access", "access_default", "path_matching", "access_dry_run", "cors_preflight"];

/// Reads the rules, and the claims and scopes that identities must retain for them. `roles` are the
/// roles that a rule may name, or `None` if they could not be read. The result is `None` if a rule
/// could not be read.
pub(super) fn access(tenant: &Object<'_>, roles: Option<&Roles>) -> Option<(AccessRules, RetainedClaims)> {
    let mut reader = Reader { roles, retained: RetainedClaims::default() };
    let access = tenant.field("access").about(Code::ACCESS);
    let elements = access.elements();
    if access.value().and_then(Value::as_array).is_some_and(Vec::is_empty) {
        access.error(
            "is empty; leave it out to let every user of the tenant in, or write [{deny: true}] to let nobody in",
        );
    }
    let rules: Vec<Rule> = elements.iter().filter_map(|element| reader.rule(element)).collect();
    let deny_by_default = match one_of(&tenant.field("access_default").about(Code::ACCESS), &["any_user", "deny"]) {
        Some(word) => word == 1,
        None => access.is_present(),
    };
    let path_matching =
        match one_of(&tenant.field("path_matching").about(Code::ACCESS), &["strict", "exact", "ignore_case"]) {
            Some(1) => PathMatching::Exact,
            Some(2) => PathMatching::IgnoreCase,
            _ => PathMatching::Strict,
        };
    let dry_run = tenant.field("access_dry_run").about(Code::ACCESS).boolean().unwrap_or(false);
    let cors_preflight = tenant.field("cors_preflight").about(Code::ACCESS).boolean().unwrap_or(false);
    let policy = AccessPolicy { deny_by_default, dry_run, cors_preflight, path_matching };
    (rules.len() == elements.len()).then(|| (AccessRules::new(rules, policy), reader.retained))
}

/// Reads rules, and collects the claims and scopes that identities must retain for them.
struct Reader<'a> {
    roles: Option<&'a Roles>,
    retained: RetainedClaims,
}

impl Reader<'_> {
    fn rule(&mut self, at: &Cursor<'_>) -> Option<Rule> {
        let object = at.object();
        let paths = listed(&object.field("paths"), &mut path);
        let methods = listed(&object.field("methods"), &mut method);
        let hosts = listed(&object.field("hosts"), &mut host_pattern);
        let client_ips = listed(&object.field("client_ips"), &mut network);
        let (allow_at, deny_at) = (object.field("allow"), object.field("deny"));
        let deny = deny_at.boolean();
        let verdict = match (allow_at.is_present(), deny) {
            (true, Some(_)) => at.refuse("has both `allow` and `deny`; give one of them"),
            (true, None) => self.allow(&allow_at),
            (false, Some(true)) => Some(Verdict::Deny),
            (false, Some(false)) => {
                deny_at.refuse("is false, which has no effect; set it to true, or give `allow` instead")
            }
            (false, None) if deny_at.is_present() => None,
            (false, None) => at.refuse("has neither `allow` nor `deny`; give one of them"),
        };
        object.finish();
        Some(Rule { paths: paths?, methods: methods?, hosts: hosts?, client_ips: client_ips?, verdict: verdict? })
    }

    fn allow(&mut self, at: &Cursor<'_>) -> Option<Verdict> {
        match at.value()? {
            Value::String(_) => match one_of(at, &["public", "any_user"])? {
                0 => Some(Verdict::Public),
                _ => Some(Verdict::AnyUser),
            },
            Value::Object(_) => {
                let object = at.object();
                let [users, emails] = ["users", "emails"].map(|field| names(&object.field(field)));
                let email_domains = listed(&object.field("email_domains"), &mut email_domain);
                let criteria = self.criteria(&object);
                let all_of = self.all_of(&object.field("all_of"));
                object.finish();
                let any_of = AnyOf {
                    users: NameSet::from_names(&users?),
                    emails: NameSet::from_names(&emails?),
                    email_domains: email_domains?,
                    criteria: criteria?,
                };
                let allow = Allow { any_of: (!any_of.is_empty()).then_some(any_of), all_of: all_of? };
                if allow.any_of.is_none() && allow.all_of.is_none() {
                    return at.refuse(
                        "allows no user; give `users`, `emails`, `email_domains`, `groups`, `roles`, `scopes` or `claims`, or write \"any_user\"",
                    );
                }
                Some(Verdict::Allow(Box::new(allow)))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                at.refuse("must be \"public\", \"any_user\" or an object")
            }
        }
    }

    fn all_of(&mut self, at: &Cursor<'_>) -> Option<Option<Criteria>> {
        let object = at.object();
        let criteria = self.criteria(&object);
        object.finish();
        let criteria = criteria?;
        if at.is_present() && criteria.is_empty() {
            return at.refuse("is empty; give `groups`, `roles`, `scopes` or `claims`, or leave it out");
        }
        Some((!criteria.is_empty()).then_some(criteria))
    }

    /// Reads the criteria that may be given both directly in `allow` and in its `all_of`.
    fn criteria(&mut self, object: &Object<'_>) -> Option<Criteria> {
        let groups = names(&object.field("groups"));
        let roles = listed(&object.field("roles"), &mut |at| self.role(at));
        let scopes = listed(&object.field("scopes"), &mut scope);
        let claims = listed(&object.field("claims"), &mut |at| self.claim(at));
        let scopes = scopes?;
        self.retained.scopes.extend(scopes.iter().cloned());
        Some(Criteria {
            groups: NameSet::from_names(&groups?),
            roles: NameSet::from_names(&roles?),
            scopes: NameSet::from_names(&scopes),
            claims: claims?,
        })
    }

    fn role(&self, at: &Cursor<'_>) -> Option<String> {
        let name = at.text()?;
        // If the roles could not be read, an unknown role here may be a consequence of that.
        if self.roles.is_some_and(|roles| !roles.has(name)) {
            return at.refuse(format!("{name:?} is not one of this tenant's `roles`"));
        }
        Some(name.to_owned())
    }

    fn claim(&mut self, at: &Cursor<'_>) -> Option<ClaimValues> {
        let object = at.object();
        let claim_at = object.field("claim");
        if !claim_at.is_present() {
            claim_at.missing::<ClaimPath>("give the name of a claim");
        }
        let path = claim(&claim_at);
        let values_at = object.field("values");
        let values = if values_at.is_present() {
            listed(&values_at, &mut value)
        } else {
            values_at.missing("list the accepted values")
        };
        object.finish();
        let path = path?;
        let claim = path.to_string();
        if !self.retained.claims.contains(&path) {
            self.retained.claims.push(path);
        }
        Some(ClaimValues { claim, values: values? })
    }
}

/// Reads the domain of e-mail addresses, or `*.` and a domain for all below it.
fn email_domain(at: &Cursor<'_>) -> Option<HostPattern> {
    let text = at.text()?;
    at.note(HostPattern::parse(text).map_err(|problem| format!("{text:?} is not a domain: {problem}")))
}

fn network(at: &Cursor<'_>) -> Option<Network> {
    let text = at.text()?;
    at.note(Network::parse(text).map_err(|problem| format!("{text:?} {problem}")))
}

fn path(at: &Cursor<'_>) -> Option<PathPattern> {
    let text = at.text()?;
    at.note(PathPattern::parse(text).map_err(|problem| format!("{text:?} is not a path: {problem}")))
}

/// A method (RFC 9110 section 9.1). Methods are case-sensitive.
fn method(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return at.refuse(format!("{text:?} is not a method; write it in upper case (\"GET\")"));
    }
    Some(text.to_owned())
}

fn value(at: &Cursor<'_>) -> Option<Value> {
    match at.value()? {
        Value::String(text) if text.is_empty() => at.refuse("is empty; an empty claim matches nothing"),
        value @ (Value::String(_) | Value::Bool(_)) => Some(value.clone()),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            at.refuse("must be a string, true or false")
        }
    }
}
