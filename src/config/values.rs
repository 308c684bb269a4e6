//! Readers for single values: durations, times, URLs, paths, words, names and secrets.

use std::ops::RangeInclusive;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use url::Url;

use super::code::Code;
use super::cursor::Cursor;
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::env::Environment;

/// Reads a duration such as `8h`, `30m` or `1h 30m`, within limits.
pub(super) fn duration(at: &Cursor<'_>, default: Duration, limits: RangeInclusive<Duration>) -> Option<Duration> {
    let Some(text) = at.text() else { return (!at.is_present()).then_some(default) };
    let Ok(duration) = humantime::parse_duration(text) else {
        return at.refuse_as(Code::TIME, format!("{text:?} is not a duration; write it as \"8h\", \"30m\" or \"5s\""));
    };
    if !limits.contains(&duration) {
        let (least, most) = (humantime::format_duration(*limits.start()), humantime::format_duration(*limits.end()));
        return at.refuse_as(Code::TIME, format!("{text:?} is out of range; it has to be from {least} to {most}"));
    }
    Some(duration)
}

/// Reads a whole number within limits. A protobuf `Struct` has all numbers as floating point.
pub(super) fn whole(at: &Cursor<'_>, default: u32, limits: RangeInclusive<u32>) -> Option<u32> {
    let Some(value) = at.value() else { return Some(default) };
    let number = value.as_f64().filter(|number| {
        number.fract() == 0.0 && *number >= f64::from(*limits.start()) && *number <= f64::from(*limits.end())
    });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::as_conversions, reason = "it is within")]
    let whole = number.map(|number| number as u32);
    whole.or_else(|| at.refuse(format!("has to be a whole number from {} to {}", limits.start(), limits.end())))
}

/// Reads a time in the form of RFC 3339, in UTC.
pub(super) fn moment(at: &Cursor<'_>) -> Option<UnixTime> {
    let text = at.text()?;
    let moment = humantime::parse_rfc3339(text).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let Some(moment) = moment else {
        return at.refuse_as(Code::TIME, format!("{text:?} is not a time; write it as \"2026-11-25T08:30:00Z\""));
    };
    Some(UnixTime(moment.as_secs()))
}

/// The schemes that a URL may have.
#[derive(Clone, Copy)]
pub(super) enum Scheme {
    /// `https` only.
    Secure,
    /// `https` and `http`, because of `allow_insecure_issuer`.
    Insecure,
}

/// Reads an absolute URL without user information and fragment. Messages do not repeat the URL,
/// because it may contain a password.
pub(super) fn url(at: &Cursor<'_>, scheme: Scheme) -> Option<Box<Url>> {
    let text = at.text()?;
    let Ok(url) = Url::parse(text) else {
        return at.refuse_as(Code::URL, "is not an absolute URL; write it as \"https://host/path\"");
    };
    let problem = if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        "is not an https URL"
    } else if url.scheme() == "http" && matches!(scheme, Scheme::Secure) {
        "is an http URL; use https, or set `allow_insecure_issuer: true` for development"
    } else if !url.username().is_empty() || url.password().is_some() {
        "has a user name or password; leave them out"
    } else if url.fragment().is_some() {
        "has a fragment (#...); leave it out"
    } else {
        return Some(Box::new(url));
    };
    at.refuse_as(Code::URL, problem)
}

/// Reads a path for which Tenantgate sends the reply. It is absolute and has no characters or
/// segments that servers interpret in different ways.
pub(super) fn path(at: &Cursor<'_>, default: &str) -> Option<String> {
    let Some(text) = at.text() else { return (!at.is_present()).then(|| default.to_owned()) };
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '%' | '\\' | ';' | '"' | '<' | '>');
    let segments = || text.split('/').skip(1);
    let fits = text.len() > 1
        && text.starts_with('/')
        && text.chars().all(plain)
        && segments().all(|segment| !matches!(segment, "" | "." | ".."));
    if !fits {
        return at.refuse(format!("{text:?} is not a plain path; write it as \"{default}\""));
    }
    Some(text.to_owned())
}

/// Reads a string. An absent one is the default.
pub(super) fn text_or(at: &Cursor<'_>, default: &str) -> Option<String> {
    match at.text() {
        Some(text) => Some(text.to_owned()),
        None => (!at.is_present()).then(|| default.to_owned()),
    }
}

/// Reads the elements of an array. An absent array has no elements, and a present one must not be
/// empty. All elements are read, so that every mistake is recorded.
pub(super) fn listed<T>(at: &Cursor<'_>, read: &mut dyn FnMut(&Cursor<'_>) -> Option<T>) -> Option<Vec<T>> {
    if !at.is_present() {
        return Some(Vec::new());
    }
    let elements = at.required_elements();
    let read: Vec<T> = elements.iter().filter_map(read).collect();
    (read.len() == elements.len() && !read.is_empty()).then_some(read)
}

/// Reads the names of users or groups. No name may be empty.
pub(super) fn names(at: &Cursor<'_>) -> Option<Vec<String>> {
    listed(at, &mut |at| match at.text()? {
        "" => at.refuse("is empty; an empty name matches no user"),
        text => Some(text.to_owned()),
    })
}

/// Reads a word. Returns its index in `words`.
pub(super) fn one_of(at: &Cursor<'_>, words: &[&str]) -> Option<usize> {
    let text = at.text()?;
    let number = words.iter().position(|word| *word == text);
    if number.is_none() {
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        at.error(format!("{text:?} is not one of {}", words.join(", ")));
    }
    number
}

/// Reads a secret: the string itself, or `{env: NAME}`.
pub(super) fn secret(at: &Cursor<'_>, environment: &dyn Environment) -> Option<Secret<String>> {
    match at.value()? {
        Value::String(text) if !text.is_empty() => Some(Secret::new(text.clone())),
        Value::String(_) => at.refuse("is empty"),
        // Another name in it may be a secret in braces, so none is repeated.
        Value::Object(members) if members.keys().all(|name| name == "env") => {
            let object = at.object();
            let variable = object.field("env");
            let value = variable.required_text().and_then(|name| from_environment(&variable, name, environment));
            object.finish();
            value
        }
        // The secrets of a document are opened before it is read.
        Value::Object(members) if members.keys().all(|name| name == "sealed") => at.refuse(
            "is not sealed for this tenant with one of `session.keys`; seal it again with `tenantgate tenants apply`",
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            at.refuse_as(Code::TYPE, "must be a string or {env: NAME}")
        }
    }
}

/// Reads the value of an environment variable, which must be set and not empty.
pub(super) fn from_environment(at: &Cursor<'_>, name: &str, environment: &dyn Environment) -> Option<Secret<String>> {
    match environment.var(name) {
        Some(value) if !value.is_empty() => Some(Secret::new(value)),
        Some(_) => at.refuse_as(Code::VARIABLE, format!("environment variable {name:?} is empty")),
        None => at.refuse_as(Code::VARIABLE, format!("environment variable {name:?} is not set")),
    }
}
