//! The clusters that Envoy Gateway makes of HTTPRoutes.

use super::cluster::{Address, Cluster, Name, Names, Platform, Sni, Tls, Transport, Trust, Uncallable};
use super::envoy_clusters::Lookup;
use super::landscape::Landscape;
use super::spot::Spot;

/// What the manifests say about the cluster `httproute/default/dex-acme/rule/0`.
pub(super) fn find<'d>(name: &str, document: Spot<'d>, landscape: &Landscape<'d>) -> Lookup<'d> {
    let Some((namespace, route, number)) = parts(name) else {
        let is_other = name.contains('/');
        return if is_other { Lookup::Unknown } else { Lookup::Missing { known: Vec::new(), is_sure: false } };
    };
    let routes = landscape.manifests("HTTPRoute", document.file);
    let Some(found) = routes.iter().find(|manifest| is(**manifest, namespace, route)) else {
        let name = |route: &Spot<'_>| {
            let route = route.text_of(&["metadata", "name"]).unwrap_or_default();
            format!("httproute/{namespace}/{route}/rule/{number}")
        };
        let known = routes.iter().map(name).collect();
        return if routes.is_empty() { Lookup::Unknown } else { Lookup::Missing { known, is_sure: false } };
    };
    let Some(rule) = found.list(&["spec", "rules"]).nth(number) else {
        return Lookup::Missing { known: Vec::new(), is_sure: true };
    };
    let near = Near { namespace, document, landscape };
    Lookup::Found(rule.list(&["backendRefs"]).map(|backend| near.cluster(*found, backend)).collect())
}

/// Namespace, name and number of the rule in the name of a cluster.
pub(super) fn parts(name: &str) -> Option<(&str, &str, usize)> {
    let mut parts = name.strip_prefix("httproute/")?.split('/');
    let (namespace, route, rule, number) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some((namespace, route, number.parse().ok().filter(|_| rule == "rule" && parts.next().is_none())?))
}

/// Whether the manifest has this name. One without a namespace may be applied to any.
fn is(manifest: Spot<'_>, namespace: &str, name: &str) -> bool {
    let own = manifest.text_of(&["metadata", "namespace"]);
    manifest.text_of(&["metadata", "name"]) == Some(name) && own.is_none_or(|own| own == namespace)
}

/// The manifests that a route may refer to.
struct Near<'l, 'd> {
    namespace: &'l str,
    document: Spot<'d>,
    landscape: &'l Landscape<'d>,
}

impl<'d> Near<'_, 'd> {
    fn cluster(&self, route: Spot<'d>, reference: Spot<'d>) -> Cluster<'d> {
        let namespace = reference.text_of(&["namespace"]).unwrap_or(self.namespace);
        let kind = reference.text_of(&["kind"]).unwrap_or("Service");
        let name = reference.text_of(&["name"]).unwrap_or_default();
        let manifests = |kind: &str| self.landscape.manifests(kind, self.document.file);
        let backend = manifests(kind).into_iter().find(|backend| is(*backend, namespace, name));
        let targets = |policy: &Spot<'d>| {
            let is_own = policy.text_of(&["metadata", "namespace"]).is_none_or(|own| own == namespace);
            is_own
                && policy
                    .list(&["spec", "targetRefs"])
                    .any(|target| target.text_of(&["kind"]) == Some(kind) && target.text_of(&["name"]) == Some(name))
        };
        let policies = manifests("BackendTLSPolicy");
        let policy = policies.iter().copied().find(targets);
        let own = backend.and_then(|backend| Some((backend, backend.find(&["spec", "tls"])?)));
        let transport = match (policy, own) {
            // The policy may stand in a file that was not named.
            (None, None) if backend.is_none() && policies.is_empty() => Transport::Unknown,
            (None, None) => Transport::PlainText,
            (policy, own) => checks(policy, own).map_or(Transport::PlainText, Transport::Tls),
        };
        let place = policy.or(backend).unwrap_or(route);
        let endpoints = backend.into_iter().flat_map(|backend| backend.list(&["spec", "endpoints"]));
        let is_dynamic = |backend: &Spot<'d>| backend.text_of(&["spec", "type"]) == Some("DynamicResolver");
        let uncallable = |place: Spot<'d>| {
            let (subject, path) = (place.manifest(), "spec.type");
            Uncallable { place, subject, path, message: DYNAMIC, help: ENDPOINTS }
        };
        Cluster {
            platform: Platform::EnvoyGateway,
            subject: place.manifest(),
            place,
            addresses: endpoints
                .filter_map(|endpoint| Address::of(endpoint.field("fqdn")?, "hostname", "port"))
                .collect(),
            transport,
            is_internal: false,
            uncallable: backend.filter(is_dynamic).map(uncallable),
        }
    }
}

/// The checks of a BackendTLSPolicy and of a Backend's `spec.tls`, of which the policy wins.
fn checks<'d>(policy: Option<Spot<'d>>, own: Option<(Spot<'d>, Spot<'d>)>) -> Option<Tls<'d>> {
    let of_policy = policy.and_then(|policy| Some((policy, policy.find(&["spec", "validation"])?)));
    let tls = own.map(|(_, tls)| tls);
    let is_skipped = tls.filter(|tls| tls.node.flag("insecureSkipVerify") == Some(true));
    let (manifest, place) = own.filter(|_| is_skipped.is_some()).or(of_policy).or(own)?;
    let has_authority = |place: &Spot<'d>| place.has("wellKnownCACertificates") || place.has("caCertificateRefs");
    let validation = of_policy.map(|(_, validation)| validation);
    let trust = if is_skipped.is_some() {
        Trust::Off("insecureSkipVerify")
    } else if validation.iter().chain(tls.iter()).any(has_authority) {
        Trust::Checked
    } else {
        Trust::Any
    };
    let hostname = validation.and_then(|validation| validation.text_of(&["hostname"]));
    let fixed = hostname.or_else(|| tls.and_then(|tls| tls.text_of(&["sni"])));
    let listed = validation.into_iter().flat_map(|validation| validation.list(&["subjectAltNames"]));
    let listed: Vec<Name<'d>> =
        listed.map(|name| name.text_of(&["hostname"]).map_or(Name::Other, Name::Exact)).collect();
    let names = match fixed {
        _ if !listed.is_empty() => Names::Listed(listed),
        Some(name) => Names::Listed(vec![Name::Exact(name)]),
        None => Names::OfRequest,
    };
    let sni = fixed.map_or(Sni::Automatic, Sni::Fixed);
    let sni_field = if hostname.is_some() { "hostname" } else { "sni" };
    let fields = [if place.has("subjectAltNames") { "subjectAltNames" } else { sni_field }, sni_field];
    Some(Tls { place, subject: manifest.manifest(), trust, names, sni, fields })
}

const DYNAMIC: &str = "has no server of its own, so each call fails";
const ENDPOINTS: &str = "remove `type`, and write `endpoints: [{fqdn: {hostname: <host of the issuer>, port: 443}}]`";
