//! The parameters of a query or a form (`application/x-www-form-urlencoded`).

use url::form_urlencoded;

/// The parameter is there more than once. Servers differ in which value they use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeated;

/// The value of the parameter `name`, if there is one.
///
/// # Errors
/// [`Repeated`].
#[inline(never)]
pub(crate) fn parameter(form: &[u8], name: &str) -> Result<Option<String>, Repeated> {
    let mut found = None;
    for (other, value) in form_urlencoded::parse(form) {
        if other == name && found.replace(value.into_owned()).is_some() {
            return Err(Repeated);
        }
    }
    Ok(found)
}
