/** Tier `monitoring`: the alerts and the dashboard, with Prometheus and what a real Envoy counts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { eventually } from './assertions.mjs';
import { Client } from './client.mjs';
import { listedAccounts, people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { startPrometheus } from './prometheus.mjs';
import { origin, startStack } from './stack.mjs';

const document = (name) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
const ALERTS = document('monitoring/alerts.yaml');
const { panels } = JSON.parse(readFileSync(document('monitoring/dashboard.json'), 'utf8'));
/** The expressions of the dashboard, by panel, as Grafana sends them. */
const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr
  .replaceAll('$__rate_interval', '1m').replaceAll('$__range', '5m').replaceAll('$instance', '.*').replaceAll('$tenant', '.*')]));
const events = [...readFileSync(document('operations.md'), 'utf8').matchAll(/^\| `([a-z_]+)` \| [^|]*\| [-0-9, ]+ \|/gm)].map(([, name]) => name);

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
let ports, stack, prometheus;

before(async () => {
  ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin', 'prometheus']);
  stack = await startStack({ ports, dir, accounts: listedAccounts, discovered: ['globex'], refreshAfter: { acme: 1 } });
  prometheus = await startPrometheus({ port: ports.prometheus, adminPort: ports.admin, dir: join(dir, 'prometheus'), rules: ALERTS });
  await use();
});

after(async () => {
  await prometheus?.stop();
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Signs users in and out, refreshes a session, and is refused. */
async function use() {
  for (const tenant of ['acme', 'globex']) {
    const home = origin(tenant, ports);
    await eventually(async () => (await new Client().open(`${home}/`)).status === 302);
    const { uid, password } = people[tenant].at(-1);
    const client = new Client();
    assert.equal((await client.signIn(`${home}/`, uid, password)).status, 200);
    const refreshed = async () => (await prometheus.query(`tenantgate_events{event="session_refreshed"} > 0`)).length > 0;
    if (tenant === 'acme') {
      await eventually(async () => { await client.open(`${home}/`); return refreshed(); }, 1);
      assert.equal((await client.open(`${home}/admin/`)).status, 403);
    }
    await client.open(`${home}/oauth2/logout`);
    assert.equal((await new Client().open(`${home}/oauth2/callback?state=x&code=y`)).status, 400);
  }
}

test('promtool accepts the alerts, and each fires', () => {
  execFileSync('promtool', ['check', 'rules', ALERTS]);
  execFileSync('promtool', ['test', 'rules', fileURLToPath(new URL('alerts.test.yaml', import.meta.url))]);
});

test('every metric and event of the alerts and the dashboard exists', async () => {
  let metrics;
  // The ages of keys come every ten seconds.
  await eventually(async () => {
    const scraped = await (await fetch(`http://127.0.0.1:${ports.admin}/stats/prometheus`)).text();
    metrics = new Set([...scraped.matchAll(/^(tenantgate_\w+)\{/gm)].map(([, name]) => name));
    return metrics.has('tenantgate_tenant_keys_age_seconds');
  }, 1);
  assert.ok(events.length > 50, 'the events were not found in docs/operations.md');
  const alerts = readFileSync(ALERTS, 'utf8');
  for (const text of [alerts, ...queries.map(([, query]) => query)]) {
    for (const [name] of text.matchAll(/tenantgate_\w+/g)) assert.ok(metrics.has(name), `${name} is no metric of Envoy`);
    for (const [, names] of text.matchAll(/event=~?"([^"]+)"/g)) {
      for (const name of names.split('|')) assert.ok(events.includes(name), `${name} is no event`);
    }
  }
});

test('the alerts are quiet while everything works', async () => {
  const rules = await prometheus.rules();
  assert.ok(rules.length >= 9);
  for (const { name, health, lastError } of rules) assert.notEqual(health, 'err', `${name}: ${lastError}`);
  assert.deepEqual(rules.filter(({ state }) => state !== 'inactive').map(({ name }) => name), []);
});

test('every panel of the dashboard shows something', async () => {
  for (const [title, query] of queries) {
    await eventually(async () => (await prometheus.query(query)).some(({ value: [, value] }) => value !== 'NaN'), 1)
      .catch((error) => { throw new Error(`${title}: ${query} has no data: ${error.message}`); });
  }
});
