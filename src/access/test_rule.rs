//! Access rules for the unit tests of this room.

use crate::http::host::HostPattern;
use crate::tenant::access::{Network, PathPattern, Rule, Verdict};

/// Parses `paths | methods | hosts | networks | verdict`: each of the first four a list separated
/// by spaces, and empty for all. The verdict is `deny`, or else any user.
pub(super) fn rule(text: &str) -> Rule {
    let mut parts = text.split('|').map(|part| part.split_whitespace());
    let mut part = || parts.next().into_iter().flatten();
    Rule {
        paths: part().map(|path| PathPattern::parse(path).unwrap()).collect(),
        methods: part().map(str::to_owned).collect(),
        hosts: part().map(|host| HostPattern::parse(host).unwrap()).collect(),
        client_ips: part().map(|network| Network::parse(network).unwrap()).collect(),
        verdict: if part().eq(["deny"]) { Verdict::Deny } else { Verdict::AnyUser },
    }
}
