//! `tenants[].headers`: the headers that the upstream receives.

use serde_json::Value;

use super::cursor::Cursor;
use super::identity::claim;
use super::values::{listed, one_of};
use crate::http::header_name::{FoldedNames, fold};
use crate::tenant::{
    ClaimPath, DEFAULT_EMAIL, DEFAULT_GROUPS, DEFAULT_NAMES, DEFAULT_PREFERRED_USERNAME, DEFAULT_ROLES, DEFAULT_TENANT,
    DEFAULT_USER, ForwardedAuthorization, IdentityHeaders, ListForm,
};

/// Reads the section, and the names in it under which the upstream receives something, even if the
/// section has a mistake. `assertion` is the header of the signed assertion, if assertions are
/// configured.
pub(super) fn headers(at: &Cursor<'_>, assertion: Option<&str>) -> (Option<IdentityHeaders>, Vec<String>) {
    let object = at.object();
    let mut taken = Taken::default();
    if let Some(assertion) = assertion {
        taken.0.push((fold(assertion), "assertion.header".to_owned()));
    }
    let mut header = |field: &'static str, default| taken.optional(&object.field(field), field, default);
    let user = header("user", DEFAULT_USER);
    let email = header("email", DEFAULT_EMAIL);
    let groups = header("groups", DEFAULT_GROUPS);
    let roles = header("roles", DEFAULT_ROLES);
    let tenant = header("tenant", DEFAULT_TENANT);
    let mut token = |field: &'static str| taken.token(&object.field(field), field);
    let (access_token, id_token) = (token("access_token"), token("id_token"));
    let claims = claims(&object.field("claims"), &mut taken);
    let lists = meaning(&object.field("lists"), &LISTS);
    let authorization_at = object.field("authorization");
    let authorization = meaning(&authorization_at, &AUTHORIZATION);
    if authorization == Some(ForwardedAuthorization::Any) && taken.by("authorization").is_some() {
        authorization_at
            .error("is \"any\", but a token of the login is forwarded under the same name; use \"verified\"");
    }
    let passed = listed(&object.field("pass"), &mut |at| taken.passed(at));
    object.finish();
    let headers = (|| {
        Some(IdentityHeaders {
            user: user?,
            email: email?,
            groups: groups?,
            roles: roles?,
            tenant: tenant?,
            claims: claims?,
            access_token: access_token?,
            id_token: id_token?,
            lists: lists?,
            authorization: authorization?,
            passed: FoldedNames::new(&mut passed?.iter().map(String::as_str)),
        })
    })();
    (headers, taken.0.into_iter().map(|(name, _)| name).collect())
}

/// Reads the headers for single claims: each header name and the claim that it contains.
fn claims(at: &Cursor<'_>, taken: &mut Taken) -> Option<Vec<(String, ClaimPath)>> {
    if !at.is_present() {
        // The default is left out if another field uses its header name.
        let free = taken.by(&fold(DEFAULT_PREFERRED_USERNAME)).is_none();
        let default = free.then(|| (DEFAULT_PREFERRED_USERNAME.to_owned(), "preferred_username".into()));
        return Some(default.into_iter().collect());
    }
    let claims = at.entries().into_iter().map(|(name, at)| {
        let header = taken.name(&at, name, &format!("claims.{name}"), "x-auth-request-department");
        let claim = claim(&at);
        Some((header?, claim?))
    });
    // All entries are read first, so that every mistake is recorded.
    claims.collect::<Vec<_>>().into_iter().collect()
}

/// The value of the configured word, or of the first word if the field is absent. `None` if the
/// word is not one of `words`.
fn meaning<T: Copy, const N: usize>(at: &Cursor<'_>, words: &[(&str, T); N]) -> Option<T> {
    let number = if at.is_present() { one_of(at, &words.map(|(word, _)| word))? } else { 0 };
    words.get(number).map(|(_, meaning)| *meaning)
}

/// Reads a header name that documents of tenants may use.
pub(super) fn header_name(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    if text.eq_ignore_ascii_case("authorization") {
        return Some(text.to_ascii_lowercase());
    }
    Taken::default().name(at, text, "header_names", "x-acme-user")
}

/// Reads the header name of the signed assertion. `None` if the name is invalid.
pub(super) fn assertion_header(at: &Cursor<'_>, default: &str) -> Option<String> {
    match at.text() {
        Some(name) => Taken::default().name(at, name, "assertion.header", default),
        None => (!at.is_present()).then(|| default.to_owned()),
    }
}

/// The header names in use, after [`fold`], each with the field that uses it.
#[derive(Default)]
struct Taken(Vec<(String, String)>);

impl Taken {
    /// Reads a header name that has a default. `Some(None)` if the field is `false`.
    fn optional(&mut self, at: &Cursor<'_>, field: &str, default: &str) -> Option<Option<String>> {
        let name = match at.value() {
            None => default,
            Some(Value::Bool(false)) => return Some(None),
            Some(Value::String(name)) => name,
            Some(_) => return at.refuse("must be the name of a header, or false"),
        };
        self.name(at, name, field, default).map(Some)
    }

    /// Reads the header name for a token, which may be `authorization`. `Some(None)` if the field
    /// is absent.
    fn token(&mut self, at: &Cursor<'_>, field: &str) -> Option<Option<String>> {
        let Some(name) = at.text() else { return (!at.is_present()).then_some(None) };
        if name.eq_ignore_ascii_case("authorization") {
            return self.take(at, name.to_ascii_lowercase(), field).map(Some);
        }
        self.name(at, name, field, &format!("x-auth-request-{}", fold(field))).map(Some)
    }

    /// Checks that a header name is valid, not reserved, and not in use, and marks it as in use.
    fn name(&mut self, at: &Cursor<'_>, name: &str, field: &str, default: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return at.refuse(format!("{name:?} is not a header name"));
        }
        if is_reserved(&fold(&name)) {
            return at
                .refuse(format!("\"{name}\" has a meaning in HTTP or Envoy; use another name, such as \"{default}\""));
        }
        self.take(at, name, field)
    }

    /// Reads the name of a client's header that is passed. It must not be one under which this
    /// tenant, or one that is broken, sends an identity.
    fn passed(&self, at: &Cursor<'_>) -> Option<String> {
        let name = at.text()?;
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return at.refuse(format!("{name:?} is not a header name"));
        }
        let folded = fold(name);
        if UNPASSED.contains(&folded.as_str()) {
            return at.refuse(format!("\"{name}\" cannot be passed here; see `headers.authorization` and the cookies"));
        }
        if let Some(field) = self.by(&folded) {
            return at.refuse(format!("\"{name}\" is also the name for `{field}`; a client must not send it"));
        }
        if DEFAULT_NAMES.contains(&folded.as_str()) {
            return at.refuse(format!("\"{name}\" is a default name of Tenantgate; a client must not send it"));
        }
        Some(folded)
    }

    /// Marks a header name as in use. A name that is in use already is a mistake.
    fn take(&mut self, at: &Cursor<'_>, name: String, field: &str) -> Option<String> {
        let folded = fold(&name);
        if let Some(other) = self.by(&folded) {
            return at.refuse(format!(
                "\"{name}\" is also the name for `{other}`, to a server that reads \"-\" and \"_\" alike"
            ));
        }
        self.0.push((folded, field.to_owned()));
        Some(name)
    }

    /// The field that uses a folded name.
    fn by(&self, folded: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == folded).map(|(_, field)| field.as_str())
    }
}

/// Whether a token may contain the byte (RFC 9110 section 5.6.2).
fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// Whether HTTP, Envoy or Tenantgate uses the header for another purpose.
fn is_reserved(folded: &str) -> bool {
    folded.starts_with("x-envoy-") || folded.starts_with("content-") || RESERVED.contains(&folded)
}

/// The headers that have rules of their own.
const UNPASSED: [&str; 3] = ["authorization", "connection", "cookie"];

const RESERVED: [&str; 23] = [
    "accept",
    "authorization",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

const LISTS: [(&str, ListForm); 5] = [
    ("comma", ListForm::Separated(b',')),
    ("semicolon", ListForm::Separated(b';')),
    ("pipe", ListForm::Separated(b'|')),
    ("json", ListForm::Json),
    ("lines", ListForm::Lines),
];

const AUTHORIZATION: [(&str, ForwardedAuthorization); 3] = [
    ("remove", ForwardedAuthorization::Remove),
    ("verified", ForwardedAuthorization::Verified),
    ("any", ForwardedAuthorization::Any),
];
