//! Groups as issuers send them: one text, a list of texts, a list of objects, or nothing.

use serde_json::Value;

use super::distinguished_name::common_name;
use super::error::IdentityError;
use crate::tenant::GroupClaim;
use crate::token::Claims;

/// The groups that the token names, none of them empty.
pub(super) fn read_groups(group_claim: &GroupClaim, claims: &Claims) -> Result<Vec<String>, IdentityError> {
    if is_elsewhere(group_claim, claims) {
        return Err(IdentityError::Overage(group_claim.claim.clone()));
    }
    let values = match claims.find(&group_claim.claim) {
        None => &[],
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
    };
    let groups: Vec<String> = values
        .iter()
        .map(|value| read_group(group_claim, value))
        .filter(|group| group.as_ref() != Ok(&String::new()))
        .collect::<Result<_, _>>()?;
    if group_claim.required && groups.is_empty() {
        return Err(IdentityError::NoGroups(group_claim.claim.clone()));
    }
    Ok(groups)
}

/// Entra ID leaves the groups out where there are more than some 200, and says where they can be asked for: by
/// `_claim_names` (OpenID Connect Core section 5.6.2), or by `hasgroups`. That is not the same as having none.
fn is_elsewhere(group_claim: &GroupClaim, claims: &Claims) -> bool {
    let name = claims.top_level(&group_claim.claim);
    let distributed = claims.get("_claim_names").is_some_and(|names| names.get(name).is_some());
    let marked = claims.get("hasgroups").is_some_and(|mark| mark != &Value::Bool(false));
    distributed || name == "groups" && marked && claims.get(name).is_none()
}

fn read_group(group_claim: &GroupClaim, value: &Value) -> Result<String, IdentityError> {
    let text = match &group_claim.field {
        None => value.as_str(),
        Some(field) => value.get(field).and_then(Value::as_str),
    };
    let text = text.ok_or_else(|| match &group_claim.field {
        None => IdentityError::WrongType(group_claim.claim.clone()),
        Some(field) => IdentityError::NoField(group_claim.claim.clone(), field.clone()),
    })?;
    let name = group_claim.common_name.then(|| common_name(text)).flatten();
    let text = name.as_deref().unwrap_or(text);
    let text = text.strip_prefix(&group_claim.strip_prefix).unwrap_or(text);
    Ok(text.strip_suffix(&group_claim.strip_suffix).unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::claims;

    fn plain() -> GroupClaim {
        GroupClaim {
            claim: "groups".into(),
            required: false,
            field: None,
            common_name: false,
            strip_prefix: String::new(),
            strip_suffix: String::new(),
        }
    }

    fn read(claim: &GroupClaim, groups: Value) -> Result<Vec<String>, IdentityError> {
        read_groups(claim, &claims(json!({ "groups": groups })))
    }

    #[test]
    fn one_text_a_list_or_nothing() {
        assert_eq!(read(&plain(), json!("a, b=c é")).unwrap(), ["a, b=c é"]);
        assert_eq!(read(&plain(), json!(["a", "", "/b"])).unwrap(), ["a", "/b"]);
        for nothing in [json!(null), json!([]), json!(""), json!([""])] {
            assert_eq!(read(&plain(), nothing.clone()).unwrap(), <[String; 0]>::default());
            let required = GroupClaim { required: true, ..plain() };
            assert_eq!(read(&required, nothing), Err(IdentityError::NoGroups("groups".into())));
        }
        for bad in [json!(1), json!([1]), json!(["a", null]), json!({ "a": 1 }), json!([{ "name": "a" }])] {
            assert_eq!(read(&plain(), bad), Err(IdentityError::WrongType("groups".into())));
        }
    }

    #[test]
    fn objects_are_groups_by_one_of_their_fields() {
        let named = GroupClaim { field: Some("name".to_owned()), ..plain() };
        assert_eq!(read(&named, json!([{ "name": "a", "id": 1 }, { "name": "" }])).unwrap(), ["a"]);
        assert_eq!(read(&named, json!({ "name": "a" })).unwrap(), ["a"]);
        for bad in [json!(["a"]), json!([{ "id": 1 }]), json!([{ "name": 1 }])] {
            assert_eq!(read(&named, bad), Err(IdentityError::NoField("groups".into(), "name".to_owned())));
        }
    }

    #[test]
    fn what_stands_around_a_group_goes() {
        let stripped =
            GroupClaim { common_name: true, strip_prefix: "/".to_owned(), strip_suffix: "@acme".to_owned(), ..plain() };
        let groups = json!(["CN=/a@acme,DC=x", "/b", "c@acme", "d", "/@acme", "//e", "ou=f,dc=x"]);
        assert_eq!(read(&stripped, groups).unwrap(), ["a", "b", "c", "d", "/e", "ou=f,dc=x"]);
    }

    #[test]
    fn groups_that_stand_elsewhere_are_not_no_groups() {
        for overage in [
            json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://graph.example" } } }),
            json!({ "_claim_names": { "groups": "src1" }, "groups": ["a"] }),
            json!({ "hasgroups": true }),
            json!({ "hasgroups": "true" }),
        ] {
            assert_eq!(read_groups(&plain(), &claims(overage)), Err(IdentityError::Overage("groups".into())));
        }
        for other in [json!({ "_claim_names": { "address": "src1" } }), json!({ "hasgroups": false })] {
            assert_eq!(read_groups(&plain(), &claims(other)).unwrap(), <[String; 0]>::default());
        }
        let roles = GroupClaim { claim: "roles".into(), ..plain() };
        assert_eq!(read_groups(&roles, &claims(json!({ "hasgroups": true, "roles": ["a"] }))).unwrap(), ["a"]);
    }
}
