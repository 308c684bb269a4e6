//! The groups in the forms that issuers send: a string, a list of strings, a list of objects, or
//! nothing.

use serde_json::Value;

use super::distinguished_name::common_name;
use super::error::IdentityError;
use crate::tenant::GroupClaim;
use crate::token::Claims;

/// The groups in the group claim; no group is empty.
pub(super) fn read_groups(group_claim: &GroupClaim, claims: &Claims) -> Result<Vec<String>, IdentityError> {
    if is_overage(group_claim, claims) {
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

/// Whether the issuer omitted the groups. Entra ID does so for more than some 200 groups, and names
/// the place to ask for them by `_claim_names` (OpenID Connect Core section 5.6.2) or by
/// `hasgroups`. The user has groups then, so the caller returns an error and not an empty list.
fn is_overage(group_claim: &GroupClaim, claims: &Claims) -> bool {
    let name = claims.top_level(&group_claim.claim);
    let distributed = claims.get("_claim_names").is_some_and(|names| names.get(name).is_some());
    let has_overage_flag = claims.get("hasgroups").is_some_and(|flag| flag != &Value::Bool(false));
    distributed || name == "groups" && has_overage_flag && claims.get(name).is_none()
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
    fn groups_are_a_string_a_list_or_absent() {
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
    fn a_group_can_be_a_field_of_an_object() {
        let named = GroupClaim { field: Some("name".to_owned()), ..plain() };
        assert_eq!(read(&named, json!([{ "name": "a", "id": 1 }, { "name": "" }])).unwrap(), ["a"]);
        assert_eq!(read(&named, json!({ "name": "a" })).unwrap(), ["a"]);
        for bad in [json!(["a"]), json!([{ "id": 1 }]), json!([{ "name": 1 }])] {
            assert_eq!(read(&named, bad), Err(IdentityError::NoField("groups".into(), "name".to_owned())));
        }
    }

    #[test]
    fn prefix_suffix_and_common_name_are_applied() {
        let stripped =
            GroupClaim { common_name: true, strip_prefix: "/".to_owned(), strip_suffix: "@acme".to_owned(), ..plain() };
        let groups = json!(["CN=/a@acme,DC=x", "/b", "c@acme", "d", "/@acme", "//e", "ou=f,dc=x"]);
        assert_eq!(read(&stripped, groups).unwrap(), ["a", "b", "c", "d", "/e", "ou=f,dc=x"]);
    }

    #[test]
    fn groups_that_the_issuer_omitted_are_an_error() {
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
