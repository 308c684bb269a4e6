//! What a bearer token has, beside what the tenant expects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use tenantgate::tenant::Tenant;

use crate::machine::now;

/// One line for each part that is checked: received, expected, and whether they fit. Nothing is
/// said about the signature.
pub(super) fn compare(token: &str, tenant: &Tenant) -> Vec<String> {
    let parts: Vec<Option<Map<String, Value>>> = token.split('.').take(2).map(part).collect();
    let [Some(header), Some(claims)] = &parts[..] else {
        return vec![
            "the token is no JWT: three parts in base64url, separated by dots, of which the first two are JSON \
                     objects"
                .to_owned(),
        ];
    };
    let text = |object: &Map<String, Value>, name: &str| object.get(name).map_or_else(|| "absent".to_owned(), shown);
    let Some(bearer) = &tenant.bearer else {
        return vec!["this tenant accepts no bearer tokens: it has no section `bearer`".to_owned()];
    };
    let audiences = list(claims.get("aud"));
    let scopes = claims.get("scope").or_else(|| claims.get("scp"));
    let granted: Vec<String> = list(scopes).iter().flat_map(|text| text.split(' ').map(str::to_owned)).collect();
    let mut lines = vec![
        format!("alg   {}", text(header, "alg")),
        format!("kid   {}", text(header, "kid")),
        line("typ", &text(header, "typ"), "at+jwt, or a token that is no ID token", true),
        line(
            "iss",
            &text(claims, "iss"),
            &tenant.issuer,
            claims.get("iss").and_then(Value::as_str) == Some(&tenant.issuer),
        ),
        line(
            "aud",
            &text(claims, "aud"),
            &format!("one of {}", bearer.audiences.join(", ")),
            audiences.iter().any(|audience| bearer.audiences.contains(audience)),
        ),
        expiry(claims),
    ];
    if !bearer.scopes.is_empty() {
        let has_all = bearer.scopes.iter().all(|scope| granted.contains(scope));
        lines.push(line("scope", &granted.join(" "), &bearer.scopes.join(" "), has_all));
    }
    for required in &bearer.claims {
        let values = list(claims.get(&required.name));
        let fits = values.iter().any(|value| required.values.contains(value));
        let expected = format!("one of {}", required.values.join(", "));
        lines.push(line(&required.name, &text(claims, &required.name), &expected, fits));
    }
    lines
}

fn part(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn line(name: &str, received: &str, expected: &str, fits: bool) -> String {
    let mark = if fits { "" } else { "   <- does not fit" };
    format!("{name:<5} {received}   (expected: {expected}){mark}")
}

fn expiry(claims: &Map<String, Value>) -> String {
    let now = now().0;
    match claims.get("exp").and_then(Value::as_u64) {
        Some(exp) if exp > now => format!("exp   {exp}, in {} s", exp.saturating_sub(now)),
        Some(exp) => format!("exp   {exp}, {} s ago   <- does not fit, beyond a minute", now.saturating_sub(exp)),
        None => "exp   absent   <- does not fit".to_owned(),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter().map(shown).collect(),
        Some(value) => vec![shown(value)],
    }
}
