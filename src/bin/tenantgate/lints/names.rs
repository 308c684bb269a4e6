//! Names of users, groups and addresses that nobody can have. Names are compared byte for byte.

use super::Found;
use super::site::Site;
use crate::codes;

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Email,
    Group,
}

/// A name in a role or a rule.
pub(super) struct Name<'a> {
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) text: &'a str,
    in_role: bool,
}

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let names = names(site);
    let found = names.iter().filter_map(|name| Some(site.warning(codes::NAME, &name.path, &problem(name)?)));
    found.collect()
}

/// The names in roles and rules.
pub(super) fn names<'a>(site: &Site<'a>) -> Vec<Name<'a>> {
    let roles = (0..site.count("roles")).map(|index| (format!("roles[{index}]"), true));
    let rules = (0..site.count("access"))
        .flat_map(|index| ["allow", "allow.all_of"].map(|part| (format!("access[{index}].{part}"), false)));
    let kinds = [("users", Kind::User), ("emails", Kind::Email), ("groups", Kind::Group)];
    let lists = roles
        .chain(rules)
        .flat_map(|(part, in_role)| kinds.map(|(list, kind)| (format!("{part}.{list}"), kind, in_role)));
    let names = lists.flat_map(|(list, kind, in_role)| {
        let texts = site.texts(&list).collect::<Vec<_>>().into_iter();
        texts.map(move |(path, text)| Name { kind, path, text, in_role })
    });
    names.collect()
}

/// Whether the name has a problem that does not depend on other settings.
pub(super) fn is_odd(name: &Name<'_>) -> bool {
    problem(name).is_some()
}

fn problem(name: &Name<'_>) -> Option<String> {
    let text = name.text;
    let bare = text.trim();
    let who = match name.kind {
        Kind::User => "user",
        Kind::Email => "address",
        Kind::Group => "group",
    };
    if bare != text {
        return Some(format!("{text:?} has white space around it, so it is the name of no {who}; write \"{bare}\""));
    }
    let domain = text.strip_prefix("*@").or_else(|| text.strip_prefix('@')).or_else(|| {
        // A domain alone.
        (name.kind == Kind::Email && !text.contains('@') && text.contains('.')).then_some(text)
    });
    if let Some(domain) = domain.filter(|_| name.kind != Kind::Group) {
        let instead = match name.in_role {
            true => format!("name each address, or write `email_domains: [{domain}]` in a rule"),
            false => format!("write `email_domains: [{domain}]`"),
        };
        return Some(format!("\"{text}\" is no {who}, and names have no wildcards; {instead}"));
    }
    if text == "*" || text.eq_ignore_ascii_case("all") && name.kind == Kind::User {
        let instead = if name.in_role { "name each" } else { "write `allow: any_user` for all users of the tenant" };
        return Some(format!("\"{text}\" is compared as it stands, and is the name of no {who}; {instead}"));
    }
    if text.contains('*') || text.starts_with('^') || (text.ends_with('$') && name.kind == Kind::Group) {
        return Some(format!("\"{text}\" is compared as it stands, and is no pattern; name each {who}"));
    }
    match name.kind {
        Kind::Email => address(text),
        // A user may be called "Lovelace, Ada".
        Kind::User if text.contains(", ") => None,
        Kind::User | Kind::Group if text.contains(',') && !text.contains('=') => {
            let each: Vec<&str> = text.split(',').map(str::trim).collect();
            Some(format!("\"{text}\" is one name with a comma in it; write [{}]", each.join(", ")))
        }
        Kind::User | Kind::Group => None,
    }
}

fn address(text: &str) -> Option<String> {
    if !text.contains('@') {
        return Some(format!("\"{text}\" is no e-mail address; write the whole address, or name a user in `users`"));
    }
    if text.contains([',', ';', ' ', '<']) {
        return Some(format!("\"{text}\" is not one address; write each address alone"));
    }
    None
}
