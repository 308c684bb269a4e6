/**
 * `./build.sh bench`: the CPU time of a request in Envoy, on top of a listener without filters.
 *
 * One Envoy process has a listener for each way to handle a request: Tenantgate, Envoy's own filters
 * for the same job, and modules that decide nothing, whose cost is the host's share. All get their
 * requests in turn. The figures depend on the machine, so the bench prints ratios, with targets.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { CASES, PROTOCOL_CASES, selected } from './bench/cases.mjs';
import { caseFigures, protocolFigures } from './bench/figures.mjs';
import { MODULE } from './bench/filters.mjs';
import { ISSUER } from './bench/identity.mjs';
import { startIssuer } from './bench/issuer.mjs';
import { manyTenants, startAuthorizer, startListeners } from './bench/listeners.mjs';
import { checkRule } from './bench/login.mjs';
import { watchMachine } from './bench/machine.mjs';
import { measureCases, measureProtocols } from './bench/measure.mjs';
import { print, write } from './bench/report.mjs';
import { requests } from './bench/requests.mjs';
import { freePorts } from './ports.mjs';

const USAGE = `usage: ./build.sh bench [--quick] [--only TEXT] [--write]
  --quick      fewer and shorter rounds
  --only TEXT  only the cases and ratios whose title contains TEXT, without latencies
  --write      write docs/performance.json, docs/performance.svg and the tables of docs/performance.md`;

function options() {
  try {
    const { values } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' }, write: { type: 'boolean' } } });
    if (values.write && (values.quick || values.only)) throw new Error('--write needs a whole run');
    const chosen = selected(values.only);
    if (chosen.cases.length === 0) throw new Error(`no case and no ratio has "${values.only}" in its title`);
    return { ...values, chosen };
  } catch (error) {
    console.error(`bench: ${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

const { quick, only, write: writes, chosen } = options();
const RATE = 1000;
const plan = { rounds: quick ? 3 : 7, seconds: 1 };
const protocolPlan = { rounds: quick ? 1 : 3, seconds: 1, rate: RATE };

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'));
const files = {
  dir,
  file(name, content) {
    writeFileSync(join(dir, name), content, { mode: 0o600 });
    return join(dir, name);
  },
};
const listenersOf = (cases) => [...new Set(cases.flatMap((name) => [CASES[name].listener, ...loginListeners(CASES[name])]))];
/** Sessions of Tenantgate and of `oauth2` come from these, whichever listener gets them. */
const loginListeners = ({ requests: set }) => (/^(session|groups)(Orders)?$/.test(set) ? ['guarded'] : /Trio$/.test(set) ? ['trio'] : []);
const protocolCases = Object.values(PROTOCOL_CASES);
const names = listenersOf(chosen.cases);
const ports = await freePorts([...names, 'admin', 'issuer', 'authorizer', 'authorizerAdmin']);
const parts = [];
const started = (part) => {
  parts.push(part);
  return part;
};
/** Envoy with these listeners, measured by `action` and stopped. */
async function withEnvoy(listeners, workers, action) {
  const envoy = await startListeners(listeners, ports, { workers, files });
  try {
    return await action(envoy.pid);
  } finally {
    await envoy.stop();
  }
}

/** The figures of the whole run. All that it started has ended then. */
async function figures() {
  try {
    const signer = (issuer) => (issuer === ISSUER ? { alg: 'RS256' } : manyTenants.signer(Number(issuer.match(/\d+$/)[0])));
    started(await startIssuer(ports.issuer, signer));
    started(await startAuthorizer(ports, files));
    const common = { ports, requests: requests(ports), files };
    console.log(`starting ${names.length} listeners`);
    const found = await withEnvoy(names, 1, async (pid) => {
      const { version } = await (await fetch(`http://127.0.0.1:${ports.admin}/server_info`)).json();
      for (const name of ['guarded', 'trio'].filter((listener) => names.includes(listener))) await checkRule(ports[name]);
      const costs = await measureCases(chosen.cases, { ...common, ...plan, pid });
      const protocols = only ? [] : protocolFigures(await measureProtocols({ ...common, ...protocolPlan, pid }), 1);
      return { envoy: version.split('/')[1], ...caseFigures(costs, chosen.ratios), protocols };
    });
    if (!only) {
      const rows = await withEnvoy(listenersOf(protocolCases), 2, (pid) => measureProtocols({ ...common, ...protocolPlan, pid }));
      found.protocols.push(...protocolFigures(rows, 2));
    }
    return found;
  } finally {
    for (const part of parts.reverse()) await part.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

const watched = watchMachine();
const moduleBytes = statSync(MODULE).size;
const { envoy, ...found } = await figures();
const results = {
  date: new Date().toISOString().slice(0, 10), envoy, moduleBytes, machine: watched(),
  rounds: plan.rounds, secondsPerRound: plan.seconds, requestsPerSecond: RATE, ...found,
};
print(results);
if (writes) write(results);
