#!/usr/bin/env bash
# Runs a command as if on a machine of its own: machine.sh DIR COMMAND...
#
# The command has its own loopback network, in which the names of the manifests in `envoy/` lead to
# loopback addresses and every port is free: Envoy Gateway listens at fixed ports of all addresses.
# An authority of its own is trusted in place of the public ones. Its files are in DIR. Nothing else
# is changed, and nothing of this is seen outside.
set -euo pipefail

readonly AUTHORITIES=/etc/ssl/certs/ca-certificates.crt

# Each address has one server at port 443.
names() {
  cat <<'END'
127.0.0.1 localhost application.internal envoy-gateway.envoy-gateway-system.svc.cluster.local
127.0.0.2 acme.example.com globex.example.com
127.0.0.3 dex.acme.example
127.0.0.4 registry.example
END
}

if [ "${1:-}" != --inside ]; then
  dir=$1
  shift
  mkdir -p "$dir"
  key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  openssl req -x509 "${key[@]}" -keyout "$dir/ca.key" -out "$dir/ca.pem" -subj "/CN=authority of the tests" 2>/dev/null
  openssl req -x509 "${key[@]}" -keyout "$dir/key.pem" -out "$dir/certificate.pem" -subj "/CN=servers of the tests" \
    -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -addext basicConstraints=critical,CA:FALSE \
    -addext "subjectAltName=$(names | tr ' ' '\n' | sed -nE 's/^([a-z].*)/DNS:\1/p' | paste -sd,)" 2>/dev/null
  names >"$dir/hosts"
  user=()
  [ "$(id -u)" -eq 0 ] || user=(--user --map-root-user)
  unshare "${user[@]}" --net --mount true 2>/dev/null || {
    echo "this system lets nobody but root have a network of its own: run this as root" >&2
    exit 1
  }
  exec unshare "${user[@]}" --net --mount "$0" --inside "$(cd "$dir" && pwd)" "$@"
fi

dir=$2
shift 2
ip link set lo up
mount --bind "$dir/hosts" /etc/hosts
mount --bind "$dir/ca.pem" "$AUTHORITIES"
# As in a gateway's container: where Istio's agent keeps images, and where a volume has the module.
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/lib/istio/data /var/lib/tenantgate
ln -s "$(realpath "${TENANTGATE_WASM:-$(dirname "$0")/../../target/tenantgate.wasm}")" /var/lib/tenantgate/tenantgate.wasm
NODE_EXTRA_CA_CERTS=$dir/ca.pem exec "$@"
