//! Methods in rules that no client sends.

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let lists = (0..site.count("access")).map(|rule| format!("access[{rule}].methods"));
    let methods = lists.flat_map(|list| site.texts(&list).collect::<Vec<_>>());
    methods.filter_map(|(path, text)| Some(site.warning(codes::RULE_METHOD, &path, &problem(text)?))).collect()
}

fn problem(text: &str) -> Option<String> {
    if ["ALL", "ANY"].contains(&text) {
        return Some(format!(
            "\"{text}\" is compared as it stands, and is no method; leave `methods` out for all of them"
        ));
    }
    let meant =
        COMMON.iter().find(|method| strsim::osa_distance(method, text) == 1).filter(|_| !COMMON.contains(&text))?;
    Some(format!("\"{text}\" is no method of HTTP; write \"{meant}\""))
}

const COMMON: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
