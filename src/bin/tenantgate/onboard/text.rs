//! What an operator does for a new tenant.

use std::fmt::Write as _;

use super::Onboarding;
use super::tenant::SESSION_KEY;
use crate::render::{ClusterParts, indented};

impl Onboarding {
    /// The steps, with the cluster and the variables that the filter needs.
    pub(super) fn text(&self, clusters: &[ClusterParts], variables: &[String]) -> String {
        let mut out = String::new();
        let mut part = |title: &str, text: &str| {
            out.push_str(&format!("{title}\n\n{}\n", indented(text.trim_end(), "  ")));
        };
        part("1. The tenant, an element of `tenants`", &format!("{}{}", self.notes(), self.tenant()));
        let listeners: String = clusters.iter().filter_map(|parts| parts.listener.as_deref()).collect();
        let clusters: String = clusters.iter().map(|parts| parts.clusters.as_str()).collect();
        part("2. The cluster of Envoy, an element of `static_resources.clusters`", &clusters);
        if !listeners.is_empty() {
            let text = format!("{listeners}\n# At the top of the bootstrap:\n{}", crate::render::EXTENSIONS);
            part("   The internal listener, an element of `static_resources.listeners`", &text);
        }
        let rows = variables.iter().map(|name| {
            let secret = "the secret of the client, which the provider shows";
            let about = if name == SESSION_KEY { "what `tenantgate session-key` prints" } else { secret };
            (name.as_str(), about.to_owned())
        });
        part("3. The variables of Envoy, which `host_env_keys` hands to the filter", &columns(rows));
        part(&format!("4. What to register at {}", self.provider.name()), &self.registration());
        part("5. Then", &columns(THEN.iter().map(|(command, about)| (*command, (*about).to_owned()))));
        out
    }

    /// The addresses and steps at the provider.
    fn registration(&self) -> String {
        let rows = self.rows();
        let mut out = columns(rows.iter().map(|row| (row.name, format!("{}{}", row.value, row.remark()))));
        for (number, step) in (1..).zip(self.facts.steps) {
            let _ = writeln!(out, "{number}) {step}");
        }
        out
    }

    /// What is registered.
    pub(super) fn rows(&self) -> Vec<Row> {
        let addresses = &self.addresses;
        let row = |name, value: &str, remark| Row { name, value: value.to_owned(), remark };
        let mut rows: Vec<Row> = addresses.redirect_uris.iter().map(|uri| row("redirect URI", uri, None)).collect();
        rows.extend(addresses.post_logout.iter().map(|uri| row("post logout redirect URI", uri, None)));
        let backchannel = addresses.backchannel_logout.iter();
        rows.extend(backchannel.map(|uri| row("back-channel logout URI", uri, Some("session required"))));
        rows.push(row("login initiation URI", &addresses.initiate_login, Some("only for a portal")));
        rows.push(row("scopes", &self.facts.scopes.join(" "), None));
        rows.push(row("claim of the user", self.facts.user.0, Some("in the ID token")));
        if let Some(name) = self.groups_claim() {
            rows.push(row("claim of the groups", &name, Some("in the ID token, a list of names")));
        }
        rows
    }
}

/// Something to register at the provider.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) value: String,
    remark: Option<&'static str>,
}

impl Row {
    /// What is to be said of the value, behind it.
    pub(super) fn remark(&self) -> String {
        self.remark.map_or_else(String::new, |remark| format!(" ({remark})"))
    }
}

/// Lines of two columns.
fn columns<'r>(rows: impl Iterator<Item = (&'r str, String)> + Clone) -> String {
    let width = rows.clone().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    rows.map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

const THEN: [(&str, &str); 4] = [
    ("`--format sheet`", "prints what to send to the customer"),
    ("`tenantgate check`", "finds every mistake in the configuration"),
    ("`tenantgate probe`", "asks the provider whether it is as configured"),
    ("`tenantgate render`", "makes the manifests for Envoy, Istio or Envoy Gateway"),
];
