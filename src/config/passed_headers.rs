//! The headers that tenants pass, compared with those under which other tenants send an identity.

use super::code::Code;
use super::tenant::PartialTenant;
use crate::http::header_name::FoldedNames;

/// Records a mistake for each tenant that passes a header under which another tenant sends an
/// identity. They may share an upstream, which would trust the header of a client. `others` are the
/// names that documents may use.
pub(super) fn refuse_passed(tenants: &[PartialTenant], others: &[String]) {
    let headers = || tenants.iter().filter_map(|partial| Some((partial, partial.headers.as_ref()?)));
    if headers().all(|(_, headers)| headers.passed.iter().next().is_none()) {
        return;
    }
    let names = tenants.iter().flat_map(|partial| partial.header_names.iter()).chain(others);
    let written = FoldedNames::new(&mut names.map(String::as_str));
    for (partial, headers) in headers() {
        for name in headers.passed.iter().filter(|name| written.contains(name)) {
            let message =
                format!("\"{name}\" is the name of an identity header of another tenant; a client must not send it");
            partial.errors.add(Code::HEADERS, "headers.pass", message);
        }
    }
}
