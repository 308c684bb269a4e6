/** Broken set-ups: Envoy's own configuration, its variables, and several replicas. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Client } from './client.mjs';
import { findCounter, findLine, row } from './setup_rows.mjs';
import { startSetups, theme, visit } from './setups.mjs';

const { broken } = theme({
  tenants: {
    unset: { secret: () => undefined },
    blank: { secret: () => '' },
    'not-passed-on': {},
    'back-channel': { configure: (tenant) => { tenant.login.backchannel_logout_path = '/oauth2/backchannel-logout'; } },
  },
  change: ({ plugin }) => {
    const variables = plugin.vm_config.environment_variables;
    variables.host_env_keys = variables.host_env_keys.filter((name) => name !== 'NOT_PASSED_ON_SECRET');
    delete plugin.allow_on_headers_stop_iteration;
  },
});

broken('The variable is not set where Envoy runs.', 'unset');
broken('The variable is empty.', 'blank');
broken('`host_env_keys` lacks the variable.', 'not-passed-on');
broken('The plugin lacks `allow_on_headers_stop_iteration`.', 'back-channel', (all) =>
  new Client().send(all.page('back-channel', '/oauth2/backchannel-logout'), { method: 'POST', form: { logout_token: 'x' } }));

const folders = [];
const folder = () => folders[folders.push(mkdtempSync(join(tmpdir(), 'tenantgate-'))) - 1];
after(() => folders.forEach((one) => rmSync(one, { recursive: true, force: true })));

/** Envoy does not start, and its log says why. */
const refused = (cause, options) => test(cause, async () => {
  const dir = folder();
  await assert.rejects(startSetups({ dir, tenants: { acme: {} }, ...options(dir) }), /ended with 1/);
  await findLine(join(dir, 'envoy.log'), row(cause));
});

refused('The session key is no base64 of 32 bytes.', () => ({ env: { TENANTGATE_SESSION_KEY: 'changeme' } }));
refused('`host_env_keys` lacks the session key.', () => ({ change: ({ plugin }) => { plugin.vm_config.environment_variables.host_env_keys.shift(); } }));
refused('The path of the module is wrong.', () => ({ change: ({ plugin }) => { plugin.vm_config.code.local.filename = '/etc/envoy/tenant-gate.wasm'; } }));
refused('The file of the module is something else.', (dir) => {
  const file = join(dir, 'tenantgate.wasm');
  writeFileSync(file, '<html>404</html>');
  return { change: ({ plugin }) => { plugin.vm_config.code.local.filename = file; } };
});
refused('A field of the configuration is misspelt at the top.', () => ({ change: ({ tenantgate }) => { tenantgate.sesion = tenantgate.session; } }));

/** Tenantgate twice in one chain: the first knows the session, and the second one does not. */
const redirected = (cause) => test(cause, async () => {
  const all = await startSetups({ dir: folder(), tenants: { acme: {} }, change: ({ manager }) => {
    manager.http_filters.unshift({ ...structuredClone(manager.http_filters[0]), name: 'again' });
  } });
  try {
    const client = new Client();
    await assert.rejects(visit(all, 'acme', '/', client), /too many redirects/);
    const answer = await client.open(all.page('acme'));
    assert.equal(String(answer.status), row(cause).symptom.slice(0, 3), answer.body);
    assert.equal(all.received.length, 0);
    await findLine(all.log, row(cause), 'acme');
    await findCounter(all.ports.admin, row(cause), 'acme');
  } finally {
    await all.stop();
  }
});

redirected('Two plugins stand in one chain of filters.');

/** Two replicas of one tenant with different session keys. `action(first, second)` */
const replicas = (cause, id, action) => test(cause, async () => {
  const first = await startSetups({ dir: folder(), tenants: { acme: {} } });
  const second = await startSetups({ dir: folder(), tenants: { acme: {} }, change: ({ tenantgate }) => { tenantgate.session.keys[0].id = id; } });
  try {
    const answer = await action(first, second);
    assert.equal(second.received.length, 0);
    assert.equal(String(answer.status), row(cause).symptom.slice(0, 3), answer.body);
    await findLine(second.log, row(cause), 'acme');
    await findCounter(second.ports.admin, row(cause), 'acme');
  } finally {
    await second.stop();
    await first.stop();
  }
});

const session = async (first, second) => {
  const client = new Client();
  await visit(first, 'acme', '/', client);
  return client.open(second.page('acme'));
};

replicas('Replicas have different session keys of one `id`.', '2026-11', session);
replicas('A replica lacks a session key.', '2026-12', session);
replicas('Replicas have different session keys of one `id`, and a login ends at another one.', '2026-11', async (first, second) => {
  const client = new Client();
  const started = await client.open(first.page('acme'));
  const callback = new URL(second.page('acme', '/oauth2/callback'));
  callback.searchParams.set('code', 'code');
  callback.searchParams.set('state', new URL(started.location).searchParams.get('state'));
  return client.open(callback.href);
});
