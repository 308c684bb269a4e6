//! The clusters that Istio makes of ServiceEntries and DestinationRules.

use super::cluster::{Address, Cluster, Name, Names, Platform, Sni, Tls, Transport, Trust, Uncallable};
use super::envoy_clusters::Lookup;
use super::landscape::Landscape;
use super::spot::Spot;

/// What the manifests say about the cluster `outbound|443||dex.acme.example`.
pub(super) fn find<'d>(name: &'d str, document: Spot<'d>, landscape: &Landscape<'d>) -> Lookup<'d> {
    let Some((port, subset, host)) = parts(name) else {
        return Lookup::Missing { known: Vec::new(), is_sure: false };
    };
    let rule = rule(host, &landscape.manifests("DestinationRule", document.file));
    let cluster = |entry: Option<Spot<'d>>, place: Spot<'d>| {
        let transport = transport(rule, entry, port, subset);
        let uncallable = entry.and_then(uncallable);
        let subject = place.manifest();
        let addresses = vec![Address { name: host, port: port.parse().ok(), place: None }];
        Cluster { platform: Platform::Istio, subject, place, addresses, transport, is_internal: false, uncallable }
    };
    let entries = landscape.manifests("ServiceEntry", document.file);
    let has_host = |entry: &&Spot<'d>| entry.list(&["spec", "hosts"]).any(|known| known.scalar() == host);
    let entry = entries.iter().find(has_host).copied();
    let has_port =
        entry.is_none_or(|entry| entry.list(&["spec", "ports"]).any(|known| known.text_of(&["number"]) == Some(port)));
    match (entry, rule) {
        (Some(entry), _) if has_port => Lookup::Found(vec![cluster(Some(entry), rule.unwrap_or(entry))]),
        (None, Some(rule)) if entries.is_empty() || is_in_cluster(host) => Lookup::Found(vec![cluster(None, rule)]),
        (None, _) if entries.is_empty() || is_in_cluster(host) => Lookup::Unknown,
        _ => {
            let is_sure = entries.iter().any(|entry| entry.file == document.file);
            Lookup::Missing { known: entries.iter().flat_map(|entry| names(*entry)).collect(), is_sure }
        }
    }
}

/// The names of the clusters of a ServiceEntry.
fn names(entry: Spot<'_>) -> impl Iterator<Item = String> {
    let hosts: Vec<&str> = entry.list(&["spec", "hosts"]).map(Spot::scalar).collect();
    let ports = entry.list(&["spec", "ports"]).filter_map(|port| port.text_of(&["number"]));
    ports.flat_map(move |port| hosts.iter().map(|host| format!("outbound|{port}||{host}")).collect::<Vec<_>>())
}

/// Port, subset and host of the name of a cluster.
pub(super) fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let mut parts = name.strip_prefix("outbound|")?.splitn(3, '|');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// Whether the host is a service of Kubernetes, which needs no ServiceEntry.
pub(super) fn is_in_cluster(host: &str) -> bool {
    host.ends_with(".svc") || host.contains(".svc.")
}

/// The rule for a host: one that names it before one with a wildcard.
fn rule<'d>(host: &str, rules: &[Spot<'d>]) -> Option<Spot<'d>> {
    let of = |rule: &&Spot<'d>| rule.text_of(&["spec", "host"]).unwrap_or_default().to_owned();
    let exact = rules.iter().find(|rule| of(rule) == host);
    let covers = |rule: &&Spot<'d>| {
        let name = of(rule);
        name == "*" || name.strip_prefix('*').is_some_and(|domain| domain.starts_with('.') && host.ends_with(domain))
    };
    exact.or_else(|| rules.iter().find(covers)).copied()
}

fn uncallable(entry: Spot<'_>) -> Option<Uncallable<'_>> {
    let message = match entry.text_of(&["spec", "resolution"]) {
        None | Some("NONE") => "resolves no address, so no call reaches the issuer",
        Some("DYNAMIC_DNS") => "has a cluster without a server of its own, so each call fails",
        Some(_) => return None,
    };
    let (subject, help) = (entry.manifest(), "write `resolution: DNS`");
    Some(Uncallable { place: entry, subject, path: "spec.resolution", message, help })
}

fn transport<'d>(rule: Option<Spot<'d>>, entry: Option<Spot<'d>>, port: &str, subset: &str) -> Transport<'d> {
    let Some(rule) = rule else { return Transport::PlainText };
    let policy = |place: Spot<'d>| place.field("trafficPolicy");
    let has_port = |settings: &Spot<'d>| settings.text_of(&["port", "number"]) == Some(port);
    let settings = |policy: Spot<'d>| {
        let of_port = policy.list(&["portLevelSettings"]).find(has_port).and_then(|settings| settings.field("tls"));
        of_port.or_else(|| policy.field("tls"))
    };
    let spec = rule.field("spec");
    let of_subset = rule.list(&["spec", "subsets"]).find(|known| known.text_of(&["name"]) == Some(subset));
    let tls = of_subset.and_then(policy).and_then(settings).or_else(|| spec.and_then(policy).and_then(settings));
    match tls.map(|tls| (tls, tls.text_of(&["mode"]))) {
        None | Some((_, None | Some("DISABLE"))) => Transport::PlainText,
        // The mesh has certificates of its own.
        Some((_, Some("ISTIO_MUTUAL"))) => Transport::Unknown,
        Some((tls, Some(_))) => Transport::Tls(checks(tls, rule, entry)),
    }
}

fn checks<'d>(tls: Spot<'d>, rule: Spot<'d>, entry: Option<Spot<'d>>) -> Tls<'d> {
    let trust = if tls.node.flag("insecureSkipVerify") == Some(true) {
        Trust::Off("insecureSkipVerify")
    } else if tls.has("caCertificates") || tls.has("credentialName") {
        Trust::Checked
    } else {
        Trust::ByVersion
    };
    let sni = match tls.text_of(&["sni"]) {
        Some(name) if !name.is_empty() => Sni::Fixed(name),
        _ => Sni::None,
    };
    let of_entry = entry.into_iter().flat_map(|entry| entry.list(&["spec", "subjectAltNames"]));
    let own: Vec<Spot<'d>> = tls.list(&["subjectAltNames"]).collect();
    let names = if own.is_empty() { of_entry.collect() } else { own };
    let names = match (&sni, names.is_empty()) {
        (_, false) => Names::Listed(names.into_iter().map(|name| one(name.scalar())).collect()),
        (Sni::None, true) => Names::ByVersion,
        (Sni::Automatic | Sni::Fixed(_), true) => Names::Any,
    };
    Tls { place: tls, subject: rule.manifest(), trust, names, sni, fields: ["subjectAltNames", "sni"] }
}

fn one(name: &str) -> Name<'_> {
    if name.contains("://") { Name::Other } else { Name::Exact(name) }
}
