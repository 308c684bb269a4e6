//! The probe of one tenant: one question after the other, as far as the answers permit.

use std::sync::Arc;

use serde_json::{Value, json};
use tenantgate::config::{self, LoadContext};
use tenantgate::http::host::HostPattern;
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::{Runtime, TenantEntry};
use tenantgate::tenant::Tenant;

use super::finding::{Finding, Severity};
use super::metadata::{Metadata, address};
use super::redirect_uri::reason;
use super::{client_secret, clock, documents, keys, redirect_uri, support, tls};
use crate::browser::Browser;
use crate::client::Client;
use crate::render::Destination;
use crate::variables::VmEnvironment;

/// A tenant alone, as its part of the configuration.
pub(super) struct TenantProbe<'a> {
    pub(super) client: &'a Client,
    pub(super) environment: &'a VmEnvironment<'a>,
    /// A configuration with this tenant only.
    pub(super) configuration: Value,
    pub(super) tenant: Arc<Tenant>,
    /// A variable with the secret or key of the client whose value is not known here.
    pub(super) unknown: Option<String>,
}

impl TenantProbe<'_> {
    /// The findings, in the order in which a login needs what was asked.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let Self { client, tenant, .. } = self;
        let mut found = Vec::new();
        for (number, destination) in Destination::of_tenant(tenant).iter().enumerate() {
            found.extend(client.progress().during(&destination.authority(), || tls::probe(client, destination)));
            let is_reached = found.last().is_none_or(|last| last.severity != Severity::Error);
            if number == 0 && !is_reached {
                found
                    .push(Finding::warning("discovery", "the rest was not asked, because the provider is not reached"));
                return found;
            }
        }
        let metadata = match Metadata::fetch(client, tenant) {
            Ok(metadata) => Some(metadata),
            Err(finding) => {
                found.push(finding);
                None
            }
        };
        if let Some(metadata) = &metadata {
            found.push(metadata.issuer(tenant));
            found.push(clock::probe(&metadata.answer));
            found.extend(metadata.endpoints(tenant));
        }
        let issuer = match metadata.as_ref().map(|metadata| self.issuer(metadata)) {
            Some(None) => {
                found.push(Finding::warning("login", "the rest was not asked, because the provider is another issuer"));
                return found;
            }
            Some(Some(issuer)) => issuer,
            None => tenant.issuer.clone(),
        };
        let Some(runtime) = self.runtime(&issuer) else { return found };
        if tenant.provider.source.is_some() && metadata.is_some() {
            found.extend(documents::fetch(client, &runtime));
        }
        let scope = runtime.providers().next().and_then(|provider| provider.scope().ok());
        if let Some(metadata) = &metadata {
            found.extend(support::probe(metadata, tenant, scope.as_deref()));
        }
        found.extend(keys::probe(client, tenant, metadata.as_ref()));
        found.extend(self.logins(&Arc::new(runtime)));
        found
    }

    /// The issuer with which the filter is asked: the one that the provider names, so that one run
    /// finds the other mistakes, too. `None` if that one has other metadata: the secret is not sent
    /// to where these point.
    fn issuer(&self, metadata: &Metadata) -> Option<String> {
        let configured = &self.tenant.issuer;
        if !self.tenant.provider.discovers() {
            return Some(configured.clone());
        }
        let published = metadata.text("issuer").filter(|published| address(published) == address(configured));
        published.map(str::to_owned)
    }

    /// What the filter runs, with this issuer.
    fn runtime(&self, issuer: &str) -> Option<Runtime> {
        let mut configuration = self.configuration.clone();
        if let Some(configured) = configuration.pointer_mut("/tenants/0/issuer") {
            *configured = json!(issuer);
        }
        let context = LoadContext { environment: self.environment, host: HostAlgorithms::ASSUMED };
        config::load_value(&configuration, context).ok().map(|loaded| loaded.runtime.without_store())
    }

    /// The redirect URIs, and then the client.
    fn logins(&self, runtime: &Arc<Runtime>) -> Vec<Finding> {
        let [TenantEntry::Served(served)] = runtime.entries() else { return Vec::new() };
        let tenant = &served.model;
        let mut found = Vec::new();
        let mut first = None;
        for host in hosts(tenant) {
            let mut browser = Browser::new(runtime.clone());
            match browser.begin_login(tenant, &host) {
                Ok(request) => {
                    found.push(redirect_uri::probe(self.client, tenant, &mut browser, &request));
                    first.get_or_insert((browser, request));
                }
                Err(outcome) => {
                    let reason = reason(&outcome);
                    found.push(Finding::warning(
                        "redirect URI",
                        format!("not asked, because no login begins: {reason}"),
                    ));
                    return found;
                }
            }
        }
        match (&self.unknown, first) {
            (Some(name), _) => {
                let message = format!("not asked, because the variable {name} has no value here");
                found.push(
                    Finding::warning("client", message).help(format!("give it with `--env {name}=…` or `--env-file`")),
                );
            }
            (None, Some((_, request))) => {
                // The first browser may have used up its login.
                let mut browser = Browser::new(runtime.clone());
                let host = request.callback(tenant, "").host;
                if let Ok(request) = browser.begin_login(tenant, &host) {
                    found.push(client_secret::probe(self.client, tenant, &mut browser, &request));
                }
            }
            (None, None) => {}
        }
        found
    }
}

/// A host for each redirect URI.
fn hosts(tenant: &Tenant) -> Vec<String> {
    let hosts = tenant.hosts.iter().map(|pattern| match pattern {
        HostPattern::Exact(host) => host.to_string(),
        HostPattern::Below(domain) => format!("any.{domain}"),
    });
    // One redirect URI may be for all hosts.
    let all = if tenant.login.redirect_uri.is_some() { 1 } else { tenant.hosts.len() };
    hosts.take(all).collect()
}
