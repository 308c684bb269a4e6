//! Claims with their types: a claim of the wrong type is an error and does not count as absent.

use std::fmt;

use serde_json::{Map, Value};

use crate::base::json::{self, Members};
use crate::base::time::UnixTime;
use crate::jose::TokenError;
use crate::tenant::ClaimPath;

/// The claims of a token whose signature is verified, and the claims that the UserInfo endpoint
/// adds.
#[derive(Clone, Debug)]
pub struct Claims {
    own: Members,
    added: Members,
}

impl Claims {
    /// The claims of a token, without those of the UserInfo endpoint.
    pub(crate) fn new(members: impl Into<Members>) -> Self {
        Self { own: members.into(), added: Members::default() }
    }

    /// The claims of the UserInfo endpoint about `subject`, without the claims that describe a
    /// token and decide its validity.
    ///
    /// # Errors
    /// [`SubjectMismatch`] if `sub` is absent or not exactly the same (OpenID Connect Core section
    /// 5.3.2).
    pub(crate) fn from_userinfo(mut members: Map<String, Value>, subject: &str) -> Result<Self, SubjectMismatch> {
        if members.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(SubjectMismatch);
        }
        for name in OF_THE_TOKEN {
            members.remove(name);
        }
        Ok(Self::new(members))
    }

    /// The value of the top-level claim `name`: of the token itself, else of the UserInfo endpoint.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.own.get(name).or_else(|| self.added.get(name))
    }

    /// The claim at `path`: of the token itself, else of the UserInfo endpoint. `null` counts as
    /// absent, because some issuers send it for an attribute that the directory lacks.
    pub fn find(&self, path: &ClaimPath) -> Option<&Value> {
        let found = path.find_in(&self.own).or_else(|| path.find_in(&self.added));
        found.filter(|value| !value.is_null())
    }

    /// Whether the token itself has no claim at `path`.
    pub(crate) fn omits(&self, path: &ClaimPath) -> bool {
        path.find_in(&self.own).is_none()
    }

    /// The name of the top-level claim that [`find`](Self::find) looks into for `path`.
    pub(crate) fn top_level<'a>(&self, path: &'a ClaimPath) -> &'a str {
        match path {
            ClaimPath::Text(text) if self.get(text).is_some() => text,
            ClaimPath::Text(text) => text.split('.').next().unwrap_or_default(),
            ClaimPath::Names(names) => names.first().map(String::as_str).unwrap_or_default(),
        }
    }

    /// The claims of the token itself, without those of the UserInfo endpoint.
    pub(crate) fn own(&self) -> &Members {
        &self.own
    }

    /// Whether the e-mail address is verified (OpenID Connect Core section 5.1). `email_verified`
    /// counts only for the address in `email` of the same source: the token or the UserInfo
    /// endpoint.
    pub(crate) fn email_verified(&self) -> bool {
        let (own, added) = (self.own.get("email"), self.added.get("email"));
        let (own_verified, added_verified) = (self.own.get("email_verified"), self.added.get("email_verified"));
        let verified = match (own, added) {
            (None, None) => own_verified.or(added_verified),
            (None, Some(_)) => added_verified,
            (Some(own), Some(added)) if own == added => own_verified.or(added_verified),
            (Some(_), _) => own_verified,
        };
        verified == Some(&Value::Bool(true))
    }

    /// Adds the claims of the UserInfo endpoint. The claims of the token take precedence.
    pub(super) fn supplement(&mut self, userinfo: Self) {
        self.added = userinfo.own;
    }

    /// A claim that is a string, if present.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, TokenError> {
        match self.own.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenError::Claim(name)),
        }
    }

    /// The same as [`text`](Self::text) for an optional claim. `null` counts as absent, because
    /// some issuers send it for a claim that they do not have.
    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<&str>, TokenError> {
        if self.own.get(name).is_some_and(Value::is_null) { Ok(None) } else { self.text(name) }
    }

    /// The same as [`optional_text`](Self::optional_text) for an identifier. The empty one counts
    /// as absent, too: it identifies nothing.
    pub(super) fn identifier(&self, name: &'static str) -> Result<Option<&str>, TokenError> {
        Ok(self.optional_text(name)?.filter(|text| !text.is_empty()))
    }

    /// `auth_time`, if present (OpenID Connect Core section 2). Some issuers send the number as
    /// text, or nothing in its place. The result passes the same checks.
    pub(super) fn auth_time(&self) -> Result<Option<UnixTime>, TokenError> {
        match self.own.get("auth_time") {
            Some(Value::String(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() => {
                let seconds = digits.parse().ok().filter(|seconds| *seconds <= MAX_SECONDS);
                seconds.map(|seconds| Some(UnixTime(seconds))).ok_or(TokenError::Claim("auth_time"))
            }
            Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            _ => self.date("auth_time"),
        }
    }

    /// A claim that is a `NumericDate`, if present (RFC 7519 section 2). A fraction is cut off. A
    /// negative number, and one above [`MAX_SECONDS`], is an error.
    pub(super) fn date(&self, name: &'static str) -> Result<Option<UnixTime>, TokenError> {
        let number = match self.own.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number,
            Some(_) => return Err(TokenError::Claim(name)),
        };
        let seconds = number.as_u64().or_else(|| number.as_f64().and_then(whole_seconds));
        match seconds {
            Some(seconds) if seconds <= MAX_SECONDS => Ok(Some(UnixTime(seconds))),
            _ => Err(TokenError::Claim(name)),
        }
    }

    /// The audiences (`aud`): one string, or a non-empty array of strings (RFC 7519 section 4.1.3).
    pub(super) fn audiences(&self) -> Result<Vec<&str>, TokenError> {
        match self.own.get("aud") {
            None => Err(TokenError::MissingClaim("aud")),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) if !many.is_empty() => {
                many.iter().map(|aud| aud.as_str().ok_or(TokenError::Claim("aud"))).collect()
            }
            Some(_) => Err(TokenError::Claim("aud")),
        }
    }
}

/// The `sub` of the UserInfo response is absent or not that of the ID token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectMismatch;

impl fmt::Display for SubjectMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the UserInfo endpoint answered for another subject than that of the ID token (`sub`)")
    }
}

impl std::error::Error for SubjectMismatch {}

/// The whole seconds of a date with a fraction. They are parsed from the digits, which is exact,
/// where a cast would wrap or saturate. `serde_json` formats the digits, because the formatting of
/// floating-point numbers in the standard library takes more space in the module than all other
/// code for dates.
fn whole_seconds(date: f64) -> Option<u64> {
    if !(0.0..1e15).contains(&date) || date.is_sign_negative() {
        return None;
    }
    if date < 1.0 {
        return Some(0);
    }
    // From 1 on and below 1e15 there is no exponent.
    json::write(&Value::from(date)).split('.').next()?.parse().ok()
}

/// The claims that describe a token or a sign-in, as opposed to those that describe the user.
const OF_THE_TOKEN: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "nonce",
    "azp",
    "auth_time",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "sid",
    "events",
    "scope",
];
/// The largest number of seconds that JavaScript and every JSON library distinguish from the next
/// one.
const MAX_SECONDS: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::claims;

    fn date(json: &str) -> Result<Option<UnixTime>, TokenError> {
        Claims::new(json::parse_members(json.as_bytes()).unwrap()).date("exp")
    }

    #[test]
    fn a_path_with_dots_may_be_one_name() {
        let path = ClaimPath::Text("a.b".to_owned());
        assert_eq!(claims(json!({ "a.b": 1, "a": { "b": 2 } })).top_level(&path), "a.b");
        assert_eq!(claims(json!({ "a": { "b": 2 } })).top_level(&path), "a");
    }

    #[test]
    fn dates_are_accepted_up_to_their_limits() {
        assert_eq!(date("{}"), Ok(None));
        for (number, seconds) in [
            ("0", 0),
            ("0.0", 0),
            ("0.9", 0),
            ("1e-300", 0),
            ("1.0", 1),
            ("1.5", 1),
            ("1e3", 1000),
            ("1.5e3", 1500),
            ("1700000000.999999", 1_700_000_000),
            ("999999999999999.8", 999_999_999_999_999),
            ("1e14", 100_000_000_000_000),
            ("4294967296", 1 << 32),
            ("9007199254740991", MAX_SECONDS),
        ] {
            assert_eq!(date(&format!(r#"{{"exp":{number}}}"#)), Ok(Some(UnixTime(seconds))), "{number}");
        }
        for bad in [
            "-1",
            "-0.5",
            "-0.0",
            "9007199254740992",
            "18446744073709551615",
            "1e300",
            "1e15",
            "\"1\"",
            "null",
            "true",
            "[1]",
            "{}",
        ] {
            assert_eq!(date(&format!(r#"{{"exp":{bad}}}"#)), Err(TokenError::Claim("exp")), "{bad}");
        }
    }

    #[test]
    fn userinfo_replaces_no_claim_and_adds_none_about_the_token() {
        let object = |json: &str| serde_json::from_str::<Map<String, Value>>(json).unwrap();
        let mut claims = Claims::new(object(r#"{"sub":"ada","email":"a@acme.example"}"#));
        let userinfo = object(r#"{"sub":"ada","email":"x","groups":["g"],"acr":"gold","exp":1}"#);
        claims.supplement(Claims::from_userinfo(userinfo.clone(), "ada").unwrap());
        let said = ["sub", "email", "groups"].map(|name| claims.get(name).unwrap().to_string());
        assert_eq!(said, [r#""ada""#, r#""a@acme.example""#, r#"["g"]"#]);
        assert_eq!((claims.get("acr"), claims.get("exp")), (None, None));
        assert_eq!(["email", "groups"].map(|name| claims.own().get(name).is_some()), [true, false]);
        assert_eq!(Claims::from_userinfo(userinfo, "eve").unwrap_err(), SubjectMismatch);
    }

    #[test]
    fn audiences_are_strings() {
        let read = |json: &str| Claims::new(json::parse_members(json.as_bytes()).unwrap()).audiences().map(|a| a.len());
        assert_eq!(read(r#"{"aud":"a"}"#), Ok(1));
        assert_eq!(read(r#"{"aud":["a","b"]}"#), Ok(2));
        assert_eq!(read("{}"), Err(TokenError::MissingClaim("aud")));
        for bad in ["[]", "[1]", "[\"a\",null]", "null", "{}", "1"] {
            assert_eq!(read(&format!(r#"{{"aud":{bad}}}"#)), Err(TokenError::Claim("aud")), "{bad}");
        }
    }

    fn names(names: &[&str]) -> ClaimPath {
        ClaimPath::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_text_path_is_first_a_claim_name_and_then_a_dotted_path() {
        let claims = claims(json!({
            "groups": 1, "resource_access": { "gate": { "roles": 2 } }, "https://acme.example/groups": 3, "a.b": 4, "a": { "b": 5 },
        }));
        for (path, expected) in [
            ("groups".into(), Some(1)),
            ("resource_access.gate.roles".into(), Some(2)),
            ("https://acme.example/groups".into(), Some(3)),
            ("a.b".into(), Some(4)),
            (names(&["a", "b"]), Some(5)),
            (names(&["a.b"]), Some(4)),
            (names(&["resource_access.gate", "roles"]), None),
            ("resource_access.gate.roles.x".into(), None),
            ("resource_access..roles".into(), None),
            ("groups.0".into(), None),
            ("".into(), None),
            (names(&[]), None),
        ] {
            assert_eq!(claims.find(&path).and_then(Value::as_u64), expected, "{path}");
        }
    }

    #[test]
    fn null_counts_as_absent_and_paths_do_not_enter_arrays() {
        let claims = claims(json!({ "a": null, "b": { "c": null }, "d": [{ "e": 1 }] }));
        for path in ["a", "b.c", "d.0.e", "d.e"] {
            assert_eq!(claims.find(&path.into()), None, "{path}");
        }
    }
}
