//! The trace that a request belongs to (W3C Trace Context), for the calls that it causes.

use super::request::RequestHead;

/// A valid `traceparent` of a request. It goes on unchanged, because Tenantgate makes no span of
/// its own. `tracestate` does not: it can have data of other systems, and the provider may belong
/// to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent(String);

impl TraceParent {
    /// The name of the header.
    pub(crate) const HEADER: &'static str = "traceparent";

    /// That of the request, if it has one of version 00 (section 3.2.2). A client may have chosen
    /// it.
    pub(crate) fn of(head: &RequestHead) -> Option<Self> {
        let value = std::str::from_utf8(head.only(Self::HEADER)?).ok()?;
        let mut fields = value.split('-');
        let is_id = |field: &str, length: usize| is_hex(field, length) && field.bytes().any(|byte| byte != b'0');
        let is_valid = fields.next() == Some("00")
            && fields.next().is_some_and(|trace| is_id(trace, 32))
            && fields.next().is_some_and(|parent| is_id(parent, 16))
            && fields.next().is_some_and(|flags| is_hex(flags, 2))
            && fields.next().is_none();
        is_valid.then(|| Self(value.to_owned()))
    }

    /// The value of the header.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_hex(field: &str, length: usize) -> bool {
    field.len() == length && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_value_goes_on() {
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let of = |values: &[&str]| {
            let lines = values.iter().map(|value| ("traceparent".to_owned(), value.as_bytes().to_vec()));
            TraceParent::of(&RequestHead::new(lines)).map(|trace| trace.0)
        };
        assert_eq!(of(&[valid]).as_deref(), Some(valid));
        for invalid in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nx: y",
        ] {
            assert_eq!(of(&[invalid]), None, "{invalid}");
        }
        assert_eq!(of(&[valid, valid]), None);
    }
}
