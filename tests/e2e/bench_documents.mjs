/**
 * `./build.sh bench documents`: what a request costs whose tenant is found in etcd, and what memory
 * Envoy takes, with few and with 100,000 tenants in etcd.
 *
 * One etcd and one Envoy with two workers on this machine. The figures depend on the machine; that
 * they do not grow with the tenants that exist is what the targets say.
 */
import { randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TOP } from './envoy.mjs';
import { encoded, startEtcd } from './etcd.mjs';
import { keyPair } from './key_pair.mjs';

import { freePorts } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';
import { residentKilobytes } from './resident.mjs';

const STORED = [1_000, 10_000, 100_000];
/** How many tenants are used, and how many hosts a worker keeps. */
const USED = 500;
const KEPT = 1_000;
/** How many tenants are used after that, more than are kept. If fewer are stored, all of them. */
const MORE = 5_000;
/** Tenants in a transaction: etcd takes 128 operations in one. */
const BATCH = 40;
const WRITERS = 8;
const SAMPLES = 300;
/** How often Envoy looks for changes, in seconds; how many of a tenant are waited for, and how many intervals each may take. */
const INTERVAL = 1;
const CHANGES = 20;
const CHANGE_TARGET = 2;
/** For so many milliseconds no worker has answered as before the change. */
const QUIET = 300;
const LONGEST = 20_000;
/** The most that the last row may be, as a multiple of the first row that is comparable. */
const TIME_TARGET = 2;
const MEMORY_TARGET = 1.1;
/** The most calls to etcd for an unknown host in a flood. */
const CALLS_TARGET = 0.02;
/** Who floods at the same time, and how many tenants are asked for meanwhile. */
const FLOODERS = 8;
const COLD = 50;

const { publicKey, privateKey } = keyPair('ed25519');
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'operator' };
const issuerKey = keyPair('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const agent = new Agent({ keepAlive: true });
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = part({ alg: 'EdDSA', kid: 'operator', typ: 'tenantgate-tenant+jws' });

/** The signed document of a tenant, which sends browsers to this path of its issuer. */
function document(number, path = '/auth') {
  const issuer = `https://t${number}.issuer.example`;
  const tenant = {
    name: `t${number}`, hosts: [`t${number}.example`], issuer, client_id: 'gate', keys: [{ jwk: issuerKey }],
    provider: { cluster: 'issuer', authorization_endpoint: `${issuer}${path}`, token_endpoint: `${issuer}/token` },
    roles: [{ name: 'admin', groups: ['admins'] }, { name: 'reader', groups: ['staff'] }],
    access: [{ paths: ['/admin/*'], allow: { roles: ['admin'] } }, { paths: ['/*'], allow: { roles: ['admin', 'reader'] } }],
  };
  const input = `${header}.${part({ iat: 1_800_000_000, tenant })}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-bench-documents-'));
const etcd = await startEtcd(dir);
const { post, range } = etcd;
// After etcd has taken its own.
const ports = await freePorts(['gateway', 'admin']);

let written = 0;
let changes = 0;

/** Writes these tenants, with the last change of the log. */
async function write(numbers, path) {
  const put = (key, value) => ({ request_put: { key: encoded(`/tenantgate/${key}`), value: encoded(value) } });
  changes += 1;
  const log = put(`changes/${String(changes).padStart(20, '0')}`, JSON.stringify({ tenant: `t${numbers[0]}`, hosts: [] }));
  const puts = numbers.flatMap((number) => [put(`tenants/t${number}`, document(number, path)), put(`hosts/example.t${number}`, `t${number}`)]);
  // The tool keeps 1,000 entries of the log.
  const old = `/tenantgate/changes/${String(Math.max(changes - 1_000, 0)).padStart(20, '0')}`;
  const trim = { request_delete_range: { key: encoded('/tenantgate/changes/'), range_end: encoded(old) } };
  await post('/v3/kv/txn', { success: [...puts, log, trim] });
}

/** Writes tenants until there are `count`, with one entry of the log for each transaction. */
async function fill(count) {
  const writer = async () => {
    while (written < count) {
      const numbers = Array.from({ length: Math.min(BATCH, count - written) }, (_, index) => written + index);
      written += numbers.length;
      await write(numbers);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

const address = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
const cluster = (name, port) => ({ name, connect_timeout: '1s', load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] } });
const configuration = {
  session: { keys: [{ id: 'bench', key: randomBytes(32).toString('base64') }] },
  tenants_from: { etcd: { cluster: 'etcd', interval: `${INTERVAL}s` }, keys: [{ jwk }], cache: KEPT },
};
const router = { name: 'router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } };
const tenantgate = {
  name: 'tenantgate',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm',
    config: {
      name: 'tenantgate',
      vm_config: { vm_id: 'tenantgate', runtime: 'envoy.wasm.runtime.v8', code: { local: { filename: process.env.TENANTGATE_WASM ?? join(TOP, 'target/tenantgate.wasm') } } },
      allow_on_headers_stop_iteration: true,
      configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: JSON.stringify(configuration) },
    },
  },
};
const manager = {
  '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  stat_prefix: 'gateway',
  http_filters: [tenantgate, router],
  route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] }] },
};
const config = join(dir, 'envoy.json');
writeFileSync(config, JSON.stringify({
  admin: { address: address(ports.admin) },
  static_resources: {
    listeners: [{ name: 'gateway', address: address(ports.gateway), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] }],
    clusters: [cluster('etcd', etcd.port), cluster('issuer', etcd.port)],
  },
}));

/** Opens a page of this host. `ms` is the time until the answer. */
function open(host, by) {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { host, accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const sent = request({ host: '127.0.0.1', port: ports.gateway, agent: by, headers }, (answer) => {
      const { statusCode: status, headers: { location = '' } } = answer;
      answer.resume().on('end', () => resolve({ status, location, ms: performance.now() - start }));
    });
    sent.on('error', reject).end();
  });
}

/** The time until a browser is sent to the issuer of this tenant, in milliseconds. */
async function ask(number, by = agent) {
  const { status, location, ms } = await open(`t${number}.example`, by);
  if (!location.startsWith(`https://t${number}.issuer.example/auth?`)) throw new Error(`t${number}: ${status} ${location}`);
  return ms;
}

/** A flood of hosts without a tenant, while tenants are asked for that no worker knows. */
async function flood(count, envoyAdmin) {
  const calls = async () => {
    const stats = await (await fetch(`${envoyAdmin}/stats?filter=^cluster.etcd.upstream_rq_total$`)).text();
    return Number(/: (\d+)/.exec(stats)[1]);
  };
  let next = 0;
  let stops = false;
  const answers = new Map();
  const unknown = [];
  const ask404 = async () => {
    const by = new Agent({ keepAlive: true });
    while (!stops) {
      const { status, ms } = await open(`u${next++}.unknown.example`, by);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status === 404) unknown.push(ms);
    }
    by.destroy();
  };
  const start = performance.now();
  const flooding = Promise.all(Array.from({ length: FLOODERS }, ask404));
  // Until all requests of a while get 404.
  let end = start;
  while (performance.now() - end < 2_000) {
    const before = answers.get(503) ?? 0;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    if ((answers.get(503) ?? 0) > before) end = performance.now();
  }
  const refused = answers.get(503) ?? 0;
  const [callsBefore, hostsBefore, since] = [await calls(), next, performance.now()];
  unknown.length = 0;
  // The last tenants, which were not asked for where so many are stored.
  const cold = [];
  for (let index = 1; index <= COLD && count > MORE + COLD; index += 1) cold.push(await ask(count - index, new Agent()));
  while (performance.now() - since < 5_000) await new Promise((resolve) => { setTimeout(resolve, 50); });
  const seconds = (performance.now() - since) / 1_000;
  const [callsAfter, hosts] = [await calls(), next - hostsBefore];
  stops = true;
  await flooding;
  return { until: (end - start) / 1_000, refused, hosts, seconds, unknown: median(unknown), cold: cold.length ? median(cold) : undefined, calls: callsAfter - callsBefore };
}

/** The seconds from a change of this tenant until each worker answers as it says. */
async function delayOfChange(number, path) {
  await write([number], path);
  const begin = performance.now();
  let last = begin;
  while (performance.now() - last < QUIET) {
    const { location } = await open(`t${number}.example`, new Agent());
    if (!location.startsWith(`https://t${number}.issuer.example${path}?`)) last = performance.now();
    if (last - begin > LONGEST) throw new Error(`t${number}: the change does not arrive: ${location}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
  return (last - begin) / 1000;
}

const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];

async function times(count, call) {
  const all = [];
  for (let number = 0; number < count; number += 1) all.push(await call(number));
  return median(all);
}

/** One Envoy, which finds tenants among those that are stored. */
async function measure(count) {
  const envoy = startProcess(join(TOP, 'target/venv/bin/envoy'), ['-c', config, '--disable-hot-restart', '--concurrency', '2', '-l', 'error'], { log: join(dir, 'envoy.log') });
  try {
    await waitFor(envoy, async () => {
      if (!(await fetch(`http://127.0.0.1:${ports.admin}/ready`)).ok) throw new Error('Envoy is not ready');
    }, 60);
    const step = Math.floor(count / USED);
    const first = await times(USED, (index) => ask(index * step));
    // Each worker gets nearly every tenant: a connection belongs to one of them.
    for (let round = 0; round < 5; round += 1) await times(USED, (index) => ask(index * step, new Agent()));
    const known = await times(USED, (index) => ask(index * step));
    const memory = residentKilobytes(envoy.pid) / 1024;
    const more = Math.min(MORE, count);
    await times(more, ask);
    const memoryOfMore = residentKilobytes(envoy.pid) / 1024;
    const last = `/tenantgate/changes/${String(changes).padStart(20, '0')}`;
    const look = await times(SAMPLES, async () => {
      const start = performance.now();
      await range(last, '/tenantgate/changes0', { limit: 100 });
      return performance.now() - start;
    });
    const delays = [];
    for (let number = 0; number < CHANGES; number += 1) delays.push(await delayOfChange(0, `/auth${number}`) / INTERVAL);
    await write([0]);
    const flooded = await flood(count, `http://127.0.0.1:${ports.admin}`);
    return { count, first, known, look, memory, more, memoryOfMore, delays, flooded, memoryAfter: residentKilobytes(envoy.pid) / 1024 };
  } finally {
    await envoy.stop();
  }
}

try {
  const rows = [];
  for (const count of STORED) {
    await fill(count);
    rows.push(await measure(count));
  }
  const base = rows[0];
  // The first row in which as many tenants were used as in the later ones.
  const baseOfMore = rows.find((row) => row.more === MORE);
  const cell = (value, unit, first, width) => `${value.toFixed(unit === 'MiB' ? 0 : 2)} ${unit} (${(value / first).toFixed(2)})`.padEnd(width);
  process.stdout.write(`tenants stored   first request      known tenant       look for changes   memory, ${USED} used   memory, then the first so many used\n`);
  for (const row of rows) {
    const memoryOfMore = row.more === MORE ? cell(row.memoryOfMore, 'MiB', baseOfMore.memoryOfMore, 0) : `${row.memoryOfMore.toFixed(0)} MiB`;
    process.stdout.write(`${String(row.count).padStart(14)}   ${cell(row.first, 'ms', base.first, 19)}${cell(row.known, 'ms', base.known, 19)}${cell(row.look, 'ms', base.look, 19)}${cell(row.memory, 'MiB', base.memory, 19)}${memoryOfMore}, ${row.more} used\n`);
  }
  process.stdout.write('\na flood of unknown hosts\n');
  for (const { count, flooded: { until, refused, hosts, seconds, unknown, cold, calls }, memoryOfMore, memoryAfter } of rows) {
    process.stdout.write(`${String(count).padStart(14)}   ${until.toFixed(1)} s until it is known which hosts there are (${refused} answers 503); then ${(hosts / seconds).toFixed(0)} unknown hosts a second: ${(calls / hosts).toFixed(4)} calls to etcd for each (${calls}), ${unknown.toFixed(2)} ms for 404, ${cold ? `${cold.toFixed(2)} ms for a tenant that is not known, ` : ''}${(memoryAfter - memoryOfMore).toFixed(1)} MiB more\n`);
  }
  const last = rows.at(-1);
  const delays = rows.flatMap((row) => row.delays);
  process.stdout.write(`\na change is known to both workers after ${median(delays).toFixed(2)} intervals (median of ${delays.length}), and ${Math.max(...delays).toFixed(2)} at most\n`);
  const targets = [
    ['intervals until a change is known', Math.max(...delays), CHANGE_TARGET],
    ['first request', last.first / base.first, TIME_TARGET],
    ['known tenant', last.known / base.known, TIME_TARGET],
    ['look for changes', last.look / base.look, TIME_TARGET],
    [`memory, ${USED} used`, last.memory / base.memory, MEMORY_TARGET],
    [`memory, ${MORE} used`, last.memoryOfMore / baseOfMore.memoryOfMore, MEMORY_TARGET],
    ['calls for an unknown host', last.flooded.calls / last.flooded.hosts, CALLS_TARGET],
  ];
  process.stdout.write('\nthe last row\n');
  for (const [title, ratio, target] of targets) {
    if (ratio > target) process.exitCode = 1;
    process.stdout.write(`  ${title}: ${ratio.toFixed(3)} (target: ${target} at most)${ratio > target ? ' missed' : ''}\n`);
  }
} finally {
  await etcd.stop();
  agent.destroy();
  rmSync(dir, { recursive: true });
}
