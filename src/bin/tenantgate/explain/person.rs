//! The claims of the person that an explanation is about.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use tenantgate::tenant::{ClaimPath, IdentityClaims};

/// Who makes the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person {
    pub(crate) user: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) groups: Vec<String>,
    /// Further claims of the ID token. They take precedence.
    pub(crate) claims: Map<String, Value>,
}

/// How the request authenticates.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// Not at all.
    Anonymous,
    /// With a session of this person.
    Session(Box<Person>),
    /// With the bearer token in this file.
    Token(PathBuf),
    /// With the `Cookie` header in this file.
    Cookie(PathBuf),
}

impl Person {
    /// The claims of an ID token about the person, under the names that the tenant configures.
    pub(super) fn id_token_claims(&self, names: &IdentityClaims) -> Map<String, Value> {
        let mut claims = Map::new();
        let user = self.user.as_deref().or(self.email.as_deref()).unwrap_or("somebody");
        claims.insert("sub".to_owned(), user.into());
        set(&mut claims, &names.user, user.into());
        if let Some(email) = &self.email {
            set(&mut claims, &names.email, email.as_str().into());
            claims.insert("email_verified".to_owned(), true.into());
        }
        if !self.groups.is_empty() {
            let group = |name: &String| match &names.groups.field {
                Some(field) => json!({ field: name }),
                None => json!(name),
            };
            set(&mut claims, &names.groups.claim, self.groups.iter().map(group).collect());
        }
        claims.extend(self.claims.clone());
        claims
    }
}

fn set(claims: &mut Map<String, Value>, path: &ClaimPath, value: Value) {
    let names = match path {
        ClaimPath::Text(name) => std::slice::from_ref(name),
        ClaimPath::Names(names) => names.as_slice(),
    };
    let Some((name, inner)) = names.split_first() else { return };
    if inner.is_empty() {
        claims.insert(name.clone(), value);
    } else {
        let value = inner.iter().rev().fold(value, |value, name| json!({ name: value }));
        claims.insert(name.clone(), value);
    }
}
