//! Paths in rules that are written as another program would write a pattern.

use tenantgate::tenant::access::PathPattern;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let lists = (0..site.count("access")).map(|rule| format!("access[{rule}].paths"));
    let paths = lists.flat_map(|list| site.texts(&list).collect::<Vec<_>>());
    let valid = paths.filter(|(_, text)| PathPattern::parse(text).is_ok());
    valid.filter_map(|(path, text)| Some(site.warning(codes::RULE_PATH, &path, &problem(text)?))).collect()
}

fn problem(text: &str) -> Option<String> {
    if let Some(several) = several(text) {
        return Some(format!("is one path, although it looks like {}; write [{}]", several.len(), several.join(", ")));
    }
    if text.trim() != text {
        return Some(format!("has a space at its end, which is part of the path; write \"{}\"", text.trim()));
    }
    let segments: Vec<&str> = text.split('/').collect();
    if let Some(segment) = segments.iter().find(|segment| is_pattern(segment)) {
        let message = format!("\"{segment}\" is compared as it stands, and is no pattern");
        return Some(match meant(&segments) {
            Some(meant) => format!("{message}; write \"{meant}\", in which `*` stands for any segment"),
            None => format!("{message}; name each path, with `*` for any segment or for the rest"),
        });
    }
    // A path that ends with a slash, and is more than that.
    let bare = text.strip_suffix('/').filter(|bare| !bare.is_empty())?;
    Some(format!(
        "is this one path with the slash, and nothing below it; write \"{bare}/*\" for \"{bare}\" and all below"
    ))
}

/// The paths in a text with several.
fn several(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text.split([',', ' ']).filter(|part| !part.is_empty()).collect();
    (parts.len() > 1 && parts.iter().all(|part| part.starts_with('/'))).then_some(parts)
}

/// Whether a segment has the signs of a regular expression, or of a parameter of a framework.
fn is_pattern(segment: &str) -> bool {
    is_parameter(segment)
        || segment.contains(".*")
        || segment.contains(".+")
        || segment.contains(['^', '|'])
        || (segment.ends_with('$') && segment.len() > 1)
        || (segment.starts_with('(') && segment.ends_with(')'))
        || (segment.contains('[') && segment.contains("]+"))
}

/// `{id}`, `:id`, `<id>`, `[id]`.
fn is_parameter(segment: &str) -> bool {
    let inside = |start, end| segment.strip_prefix(start).is_some_and(|rest| rest.ends_with(end));
    inside('{', '}')
        || inside('<', '>')
        || inside('[', ']')
        || segment.strip_prefix(':').is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// The path with a `*` for each such segment, if that is what it means.
fn meant(segments: &[&str]) -> Option<String> {
    let mut out = Vec::new();
    for segment in segments {
        let bare = segment.trim_start_matches('^');
        let bare = if bare.len() > 1 { bare.trim_end_matches('$') } else { bare };
        if is_parameter(bare) || [".*", ".+", "(.*)", "(.+)"].contains(&bare) {
            out.push("*");
        } else if is_pattern(bare) {
            let start = bare.strip_suffix(".*").or_else(|| bare.strip_suffix("(.*)"))?;
            if is_pattern(start) {
                return None;
            }
            out.push(start);
            return Some(format!("{}*", out.join("/")));
        } else {
            out.push(bare);
        }
    }
    let meant = out.join("/");
    PathPattern::parse(&meant).ok().map(|_| meant)
}
