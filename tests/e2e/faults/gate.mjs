/** Envoy as in envoy/envoy.yaml, for the tenants `acme` and `globex` behind proxies that break. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exampleConfiguration, startEnvoy } from '../envoy.mjs';
import { startEtcd } from '../etcd.mjs';
import { DEFAULT_PORTS, freePorts } from '../ports.mjs';
import { residentKilobytes } from '../resident.mjs';
import { Issuer } from './issuer.mjs';
import { Proxy } from './proxy.mjs';

export const TENANTS = ['acme', 'globex'];
const LISTENER = 'type.googleapis.com/envoy.config.listener.v3.Listener';

export class Gate {
  /** `etcd`: with the store. `replicas`: how many Envoys. `env`: for Envoy. `module`: its file. */
  constructor({ etcd = false, replicas = 1, env = {}, module } = {}) {
    Object.assign(this, { hasStore: etcd, replicas, env, module });
    this.dir = mkdtempSync(join(tmpdir(), 'tenantgate-faults-'));
    this.key = randomBytes(32).toString('base64');
    /** Requests that the upstream got with another identity than that of the sender. */
    this.leaked = [];
  }

  async start() {
    // It chooses ports of its own, so it starts before ours are chosen.
    if (this.hasStore) this.etcd = await startEtcd(this.dir);
    const names = ['upstream', 'etcd', ...TENANTS.flatMap((name) => [name, `${name}Behind`])];
    const own = Array.from({ length: this.replicas }, (_, i) => [`gateway${i}`, `admin${i}`]).flat();
    this.ports = await freePorts([...names, ...own]);
    await this.#startUpstream();
    this.issuers = Object.fromEntries(TENANTS.map((name) => [name, new Issuer(name, this.ports[`${name}Behind`])]));
    this.proxies = Object.fromEntries(TENANTS.map((name) => [name, new Proxy(this.ports[name], this.ports[`${name}Behind`])]));
    if (this.hasStore) this.proxies.etcd = new Proxy(this.ports.etcd, this.etcd.port);
    await Promise.all([...Object.values(this.issuers), ...Object.values(this.proxies)].map((server) => server.start()));
    this.envoys = [];
    for (let i = 0; i < this.replicas; i += 1) await this.startReplica(i);
  }

  async stop() {
    await Promise.allSettled((this.envoys ?? []).map((envoy) => envoy.stop()));
    await Promise.allSettled([...Object.values(this.proxies ?? {}), ...Object.values(this.issuers ?? {})].map((server) => server.stop()));
    await this.etcd?.stop();
    this.upstream?.closeAllConnections();
    this.upstream?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #startUpstream() {
    this.upstream = createServer((request, response) => {
      const { headers } = request;
      const [user, tenant] = [headers['x-auth-request-user'], headers['x-auth-request-tenant']];
      if (user === undefined || user !== headers['x-test-user'] || tenant !== headers['x-test-tenant']) {
        this.leaked.push(`${headers['x-test-user']} of ${headers['x-test-tenant']} as ${user} of ${tenant}`);
      }
      response.end('the page');
    }).listen(this.ports.upstream, '127.0.0.1');
    await once(this.upstream, 'listening');
  }

  /** The configuration, with `change` made to it. */
  configuration(change = () => {}) {
    const tenants = TENANTS.map((name) => ({
      name, hosts: [`${name}.example`], issuer: this.issuers[name].url, client_id: 'gate', client_secret: `secret of ${name}`,
      provider: { cluster: name, discovery: true, timeout: '2s' }, bearer: { audiences: ['api'] },
    }));
    const store = this.hasStore ? { store: { etcd: { cluster: 'etcd' } } } : {};
    const value = { session: { keys: [{ id: 'a', key: this.key }] }, ...store, tenants };
    change(value);
    return value;
  }

  #bootstrap(replica) {
    const ports = { ...DEFAULT_PORTS, ...this.ports, gateway: this.ports[`gateway${replica}`], admin: this.ports[`admin${replica}`] };
    const { envoy } = exampleConfiguration(ports);
    const cluster = (name) => ({
      name, connect_timeout: '1s',
      load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: ports[name] } } } }] }] },
    });
    envoy.static_resources.clusters = ['upstream', ...TENANTS, 'etcd'].map(cluster);
    return envoy;
  }

  /** Writes the listener of a replica to the file that Envoy watches. */
  push(replica, value) {
    const [listener] = this.#bootstrap(replica).static_resources.listeners;
    const { config } = listener.filter_chains[0].filters[0].typed_config.http_filters.find(({ name }) => name === 'tenantgate').typed_config;
    config.configuration.value = value;
    if (this.module) config.vm_config.code.local.filename = this.module;
    delete config.vm_config.environment_variables;
    const file = join(this.dir, `lds${replica}.json`);
    writeFileSync(`${file}.new`, JSON.stringify({ resources: [{ '@type': LISTENER, ...listener }] }));
    renameSync(`${file}.new`, file);
  }

  async startReplica(replica) {
    const envoy = this.#bootstrap(replica);
    this.push(replica, this.configuration());
    delete envoy.static_resources.listeners;
    envoy.node = { id: `gateway-${replica}`, cluster: 'gateway' };
    envoy.dynamic_resources = { lds_config: { path_config_source: { path: join(this.dir, `lds${replica}.json`) } } };
    const log = join(this.dir, `envoy${replica}.log`);
    this.envoys[replica] = await startEnvoy({ envoy, adminPort: this.ports[`admin${replica}`], dir: this.dir, log, env: this.env, wasmLog: 'info' });
  }

  gateway(replica = 0) {
    return this.ports[`gateway${replica}`];
  }

  async admin(path, replica = 0, method = 'GET') {
    return (await fetch(`http://127.0.0.1:${this.ports[`admin${replica}`]}${path}`, { method })).text();
  }

  /** A counter or a gauge of Envoy; 0 if it is not there. */
  async stat(name, replica = 0) {
    return Number((await this.admin(`/stats?filter=^${name.replaceAll('.', '\\.')}$`, replica)).match(/: (\d+)/)?.[1] ?? 0);
  }

  log(replica = 0) {
    return readFileSync(join(this.dir, `envoy${replica}.log`), 'utf8');
  }

  /** The memory of Envoy in MiB. */
  memory(replica = 0) {
    return residentKilobytes(this.envoys[replica].pid) / 1024;
  }
}
