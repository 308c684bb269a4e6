//! What to write, in the YAML of the platform.

use std::net::IpAddr;

use super::cluster::Platform;
use super::spot::Spot;
use super::tenants::Provider;

/// A cluster for the provider, which is not there yet.
pub(super) fn cluster(platform: Platform, name: &str, provider: &Provider<'_>) -> String {
    let (host, port) = (provider.host(), provider.port());
    match platform {
        Platform::Envoy => {
            let socket = if provider.is_https() { indented(&transport_socket(host), 2) } else { String::new() };
            let host = if host.contains(':') { format!("\"{host}\"") } else { host.to_owned() };
            format!(
                "add the cluster:\n- name: {name}\n  type: LOGICAL_DNS\n  connect_timeout: 5s\n  load_assignment:\n    \
                 cluster_name: {name}\n    endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: \
                 {{address: {host}, port_value: {port}}}}}}}}}]}}]\n{socket}"
            )
        }
        Platform::Istio => format!(
            "write `cluster: outbound|{port}||{host}`, and add the ServiceEntry:\napiVersion: \
             networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: {}\nspec:\n  hosts: [{host}]\n  location: \
             MESH_EXTERNAL\n  resolution: DNS\n  ports:\n    - {{number: {port}, name: {}, protocol: {}}}\n",
            host.replace('.', "-"),
            provider.endpoint.scheme(),
            provider.endpoint.scheme().to_ascii_uppercase(),
        ),
        Platform::EnvoyGateway => {
            "write `cluster: httproute/<namespace>/<name>/rule/<number>` of an HTTPRoute that leads to the issuer"
                .to_owned()
        }
    }
}

/// TLS with all of its checks, for a cluster without.
pub(super) fn tls(platform: Platform, place: Spot<'_>, provider: &Provider<'_>) -> String {
    let host = provider.host();
    let name = |names: &[&str]| place.text_of(names).unwrap_or_default();
    match platform {
        Platform::Envoy => format!("add to the cluster:\n{}", transport_socket(host)),
        Platform::Istio if name(&["kind"]) == "DestinationRule" => {
            format!("write in its `spec`:\ntrafficPolicy:\n{}", indented(&settings(host), 2))
        }
        Platform::Istio => format!(
            "add a DestinationRule:\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: \
             {}\nspec:\n  host: {host}\n  trafficPolicy:\n{}",
            name(&["metadata", "name"]),
            indented(&settings(host), 4),
        ),
        Platform::EnvoyGateway => {
            let group = if name(&["kind"]) == "Backend" { "gateway.envoyproxy.io" } else { "\"\"" };
            let (kind, name) = (name(&["kind"]), name(&["metadata", "name"]));
            format!(
                "add a BackendTLSPolicy:\napiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata:\n  \
                 name: {name}\nspec:\n  targetRefs:\n    - {{group: {group}, kind: {kind}, name: {name}}}\n  \
                 validation:\n    wellKnownCACertificates: System\n    hostname: {host}\n"
            )
        }
    }
}

/// An authority that certificates are checked against, and the host that they have to be for.
pub(super) fn trust(platform: Platform, host: &str) -> String {
    match platform {
        Platform::Envoy => format!("write in `common_tls_context`:\n{}", validation_context(host)),
        Platform::Istio => format!("write `caCertificates: {AUTHORITIES}`"),
        Platform::EnvoyGateway => "write `wellKnownCACertificates: System`".to_owned(),
    }
}

/// The name that certificates have to be for, in this field.
pub(super) fn name(platform: Platform, field: &str, host: &str) -> String {
    match (platform, field) {
        (Platform::Envoy, _) => format!("write in `validation_context`:\n{}", names(host)),
        (Platform::Istio, _) => format!("write `subjectAltNames: [{host}]`"),
        (Platform::EnvoyGateway, "subjectAltNames") => {
            format!("write `subjectAltNames: [{{type: Hostname, hostname: {host}}}]`")
        }
        (Platform::EnvoyGateway, field) => format!("write `{field}: {host}`"),
    }
}

/// Envoy's transport socket for a host.
fn transport_socket(host: &str) -> String {
    let sni = if is_address(host) { String::new() } else { format!("    sni: {host}\n") };
    format!(
        "transport_socket:\n  name: envoy.transport_sockets.tls\n  typed_config:\n    \"@type\": \
         type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n{sni}    \
         common_tls_context:\n      tls_params: {{tls_maximum_protocol_version: TLSv1_3}}\n{}",
        indented(&validation_context(host), 6)
    )
}

fn validation_context(host: &str) -> String {
    format!("validation_context:\n  trusted_ca: {{filename: {AUTHORITIES}}}\n{}", indented(&names(host), 2))
}

fn names(host: &str) -> String {
    let kind = if is_address(host) { "IP_ADDRESS" } else { "DNS" };
    format!("match_typed_subject_alt_names:\n  - {{san_type: {kind}, matcher: {{exact: \"{host}\"}}}}\n")
}

/// Whether the host is an address, which is no SNI.
fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// The `tls` of a traffic policy of Istio.
fn settings(host: &str) -> String {
    format!("tls:\n  mode: SIMPLE\n  sni: {host}\n  subjectAltNames: [{host}]\n  caCertificates: {AUTHORITIES}\n")
}

fn indented(text: &str, spaces: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(spaces))).collect()
}

/// Where Debian, and with it the images of Envoy and Istio, have the authorities.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
