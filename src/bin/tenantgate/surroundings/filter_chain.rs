//! Where the filter stands among the HTTP filters of Envoy's own configuration.

use super::cluster::Platform;
use super::spot::Spot;
use super::tenants::identity_headers;
use super::{Finding, Surrounded};
use crate::codes;
use crate::yaml::Node;

/// A connection manager with the gate in its chain.
pub(super) struct Manager<'d> {
    pub(super) place: Spot<'d>,
    /// The filters before the gate, the gate, and the filters behind it.
    pub(super) before: Vec<Spot<'d>>,
    pub(super) gate: Spot<'d>,
    pub(super) behind: Vec<Spot<'d>>,
}

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let headers = identity_headers(gate.configuration.node);
    let mut found = Vec::new();
    for manager in managers(gate) {
        if let Some(router) = manager.before.iter().find(|filter| is_router(**filter)) {
            let message = "stands before Tenantgate, but has to be the last filter, so Envoy refuses the configuration";
            let help = "put the router at the end of `http_filters`";
            found.push(router.error(codes::ROUTER, &name(*router), "name", message).without_path().help(help));
        } else if !manager.behind.iter().any(|filter| is_router(*filter)) {
            let message = "the chain has no router behind Tenantgate, so Envoy refuses the configuration";
            found.push(manager.gate.error(codes::ROUTER, "http_filters", "name", message).without_path().help(ROUTER));
        }
        found.extend(manager.behind.iter().filter(|filter| is_same(**filter, &manager)).map(|again| {
            let message = "is Tenantgate again: the first one keeps the session from the second one, so users sign in without end";
            let help = "remove one of the two from `http_filters`";
            again.error(codes::TWICE, &name(*again), "name", message).without_path().help(help)
        }));
        let trusting = manager.before.iter().filter_map(|filter| Some((filter, trust(*filter, &headers)?)));
        found.extend(trusting.map(|(filter, reason)| {
            let message = format!("stands before Tenantgate, and {reason}");
            let help = "put it behind Tenantgate in `http_filters`, where only Tenantgate writes these headers";
            filter.warning(codes::FILTER_ORDER, &name(*filter), "name", message).without_path().help(help)
        }));
    }
    found
}

/// The connection managers whose chain has the gate: itself, or a reference to the resource of the
/// Extension Config Discovery Service that it is.
pub(super) fn managers<'d>(gate: &Surrounded<'d>) -> Vec<Manager<'d>> {
    if gate.platform != Some(Platform::Envoy) {
        return Vec::new();
    }
    let name = holder(gate).and_then(|holder| holder.text_of(&["name"]));
    let [_, _, documents] = gate.landscape.scopes(gate.document);
    let mut found = Vec::new();
    for document in documents {
        document.walk(&mut |spot| {
            if let Some(filters) = spot.field("http_filters") {
                found.extend(manager(gate, name, spot, filters));
            }
            spot.node.get("tenants").is_none()
        });
    }
    found
}

fn manager<'d>(gate: &Surrounded<'d>, name: Option<&str>, place: Spot<'d>, filters: Spot<'d>) -> Option<Manager<'d>> {
    let refers = |filter: &Spot<'d>| filter.has("config_discovery") && filter.text_of(&["name"]) == name;
    let filters: Vec<Spot<'d>> = filters.node.elements().iter().map(|node| filters.at(node)).collect();
    let number = filters.iter().position(|filter| contains(filter.node, gate.gate.plugin) || refers(filter))?;
    let (before, rest) = filters.split_at_checked(number)?;
    let (own, behind) = rest.split_first()?;
    Some(Manager { place, before: before.to_vec(), gate: *own, behind: behind.to_vec() })
}

/// The filter or resource that the plugin stands in.
pub(super) fn holder<'d>(gate: &Surrounded<'d>) -> Option<Spot<'d>> {
    let mut found = None;
    gate.document.walk(&mut |spot| {
        let holds = spot.field("typed_config").is_some_and(|config| {
            config.node.get("config").is_some_and(|plugin| std::ptr::eq(plugin, gate.gate.plugin))
        });
        if holds {
            found = Some(spot);
        }
        found.is_none() && spot.node.get("tenants").is_none()
    });
    found
}

fn contains(node: &Node, plugin: &Node) -> bool {
    std::ptr::eq(node, plugin) || node.children().any(|child| contains(child, plugin))
}

/// Whether the filter is a gate, too, for one of the hosts of the gate.
fn is_same(filter: Spot<'_>, manager: &Manager<'_>) -> bool {
    let tenants = |filter: Spot<'_>| {
        let value = filter.find(&["typed_config", "config", "configuration", "value"]);
        let tenants = value.and_then(|value| value.node.get("tenants"));
        let hosts = tenants.into_iter().flat_map(Node::elements).filter_map(|tenant| tenant.get("hosts"));
        hosts.flat_map(Node::elements).filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>()
    };
    let own = tenants(manager.gate);
    tenants(filter).iter().any(|host| own.contains(host))
}

fn is_router(filter: Spot<'_>) -> bool {
    filter.field("typed_config").is_some_and(|config| config.is_type(".http.router.v3.Router"))
        || filter.text_of(&["name"]) == Some("envoy.filters.http.router")
}

/// Why a filter would believe the client.
fn trust(filter: Spot<'_>, headers: &[String]) -> Option<&'static str> {
    let config = filter.field("typed_config")?;
    if config.is_type(".ext_authz.v3.ExtAuthz") {
        return Some("its service sees the identity headers that the client wrote");
    }
    if config.is_type(".rbac.v3.RBAC") && reads_headers(config) {
        return Some("decides by headers that the client wrote");
    }
    mentions(config, headers).then_some("reads identity headers that the client wrote")
}

/// Whether a condition is about a header other than those of the request line.
fn reads_headers(config: Spot<'_>) -> bool {
    let mut found = false;
    config.walk(&mut |spot| {
        let name = spot.text_of(&["header", "name"]).unwrap_or(":");
        found |= !name.starts_with(':');
        !found
    });
    found
}

/// Whether a text in the configuration of a filter names an identity header or the filter state of
/// the gate.
pub(super) fn mentions(config: Spot<'_>, headers: &[String]) -> bool {
    let mut found = false;
    config.walk(&mut |spot| {
        let text = spot.scalar().to_ascii_lowercase();
        let quoted = |header: &String| text.contains(&format!("\"{header}\"")) || text.contains(&format!("'{header}'"));
        let is_prefix = |header: &String| header.ends_with('-') && text.contains(header.as_str());
        found |= headers.iter().any(|header| text == *header || quoted(header) || is_prefix(header));
        found |= text.contains("wasm.tenantgate.");
        !found
    });
    found
}

fn name(filter: Spot<'_>) -> String {
    format!("filter \"{}\"", filter.text_of(&["name"]).unwrap_or_default())
}

const ROUTER: &str = "add at the end of `http_filters`:\n- name: envoy.filters.http.router\n  typed_config:\n    \"@type\": \
                      type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n";
