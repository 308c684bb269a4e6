//! Clusters that are no name of one.

use super::Found;
use super::site::Site;
use crate::codes;
use crate::gate::Form;

pub(super) fn lint(site: &Site<'_>, form: Form) -> Option<Found> {
    let text = site.text("provider.cluster")?;
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let address = text.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let what = if address.is_some() {
        "is a URL"
    } else if text.rsplit_once(':').is_some_and(|(host, port)| is_port(port) && !host.contains('|')) {
        "is an address"
    } else if text.contains(char::is_whitespace) {
        "has white space"
    } else {
        return None;
    };
    let host = address.unwrap_or(text).split(':').next().unwrap_or_default().trim();
    let example = match form {
        Form::Istio => format!(", such as \"outbound|443||{host}\""),
        Form::Envoy | Form::EnvoyGateway | Form::Tenants => String::new(),
    };
    let message = format!("{what}, and Envoy finds a cluster by its name; write the `name` of the cluster{example}");
    Some(site.warning(codes::CLUSTER_NAME, "provider.cluster", &message))
}
