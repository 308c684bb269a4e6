/** Tier `provider`: two gates in one Envoy, by host, as the guides for a migration show it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { parse } from 'yaml';

import { exampleConfiguration, startEnvoy, TOP } from './envoy.mjs';
import { freePorts } from './ports.mjs';
import { startUpstream } from './upstream.mjs';

let dir, parts, ports, upstream;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
  parts = [];
  ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin']);
  upstream = await startUpstream({ port: ports.upstream });
  parts.push(upstream);
});

afterEach(async () => {
  for (const part of parts.reverse()) await part.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** The block of a guide that begins with these words. */
function block(guide, words) {
  const blocks = readFileSync(join(TOP, `docs/guides/${guide}.md`), 'utf8').split('```text\n').slice(1);
  return parse(blocks.find((text) => text.startsWith(words)).split('```')[0]);
}

/** Starts the example for one host, with the virtual hosts of a guide and more filters. */
async function start(guide, { switchedOff = true, filters = [] } = {}) {
  const { envoy, tenantgate } = exampleConfiguration(ports);
  tenantgate.tenants = [tenantgate.tenants[0]];
  tenantgate.tenants[0].hosts = ['acme.example.com'];
  delete tenantgate.tenants[0].login.redirect_uri;
  const manager = envoy.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  manager.route_config.virtual_hosts = block(guide, 'virtual_hosts').virtual_hosts;
  for (const host of manager.route_config.virtual_hosts) {
    // Every cluster that the guides name stands for a server behind the gate.
    for (const { route } of host.routes) route.cluster = 'upstream';
    if (!switchedOff) delete host.typed_per_filter_config;
  }
  manager.http_filters.unshift(...filters);
  envoy.node = { id: 'gateway', cluster: 'gateway' };
  const env = { TENANTGATE_SESSION_KEY: randomBytes(32).toString('base64'), ACME_CLIENT_SECRET: randomBytes(24).toString('base64'), GLOBEX_CLIENT_SECRET: '' };
  parts.push(await startEnvoy({ envoy, adminPort: ports.admin, dir, env, wasmLog: 'info' }));
}

/**
 * Opens a page as a browser that claims to be `mallory`: the status, where it leads, and as whom
 * the upstream received it.
 */
function open(host, path) {
  const before = upstream.received.length;
  const headers = { host, accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'x-auth-request-user': 'mallory' };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: ports.gateway, path, headers }, (answer) => {
      answer.resume();
      const seen = upstream.received.slice(before).map((it) => it.headers.find(([name]) => name === 'x-auth-request-user')?.[1]);
      resolve({ status: answer.statusCode, to: answer.headers.location?.split('?')[0], seen });
    });
    sent.on('error', reject).end();
  });
}

const atTenantgate = () => ({ status: 302, to: `http://login-acme.localhost:${ports.acme}/auth`, seen: [] });
/** Not a gate, but a server behind it: oauth2-proxy, or the application. */
const behind = { status: 200, to: undefined, seen: ['mallory'] };

test('a host that oauth2-proxy still serves passes Tenantgate as it came', async () => {
  await start('migrate-from-oauth2-proxy');
  assert.deepEqual(await open('acme.example.com', '/reports'), atTenantgate());
  assert.deepEqual(await open('globex.example.com', '/reports'), behind);
});

test('without that, a host that no tenant has is not found', async () => {
  await start('migrate-from-oauth2-proxy', { switchedOff: false });
  assert.deepEqual(await open('acme.example.com', '/reports'), atTenantgate());
  assert.deepEqual(await open('globex.example.com', '/reports'), { status: 404, to: undefined, seen: [] });
});

test('each host has one of the two filters, and the old configuration of the guide is one', async () => {
  const config = block('migrate-from-envoy-oauth2', 'token_endpoint');
  config.token_endpoint.cluster = 'upstream';
  for (const secret of [config.credentials.token_secret, config.credentials.hmac_secret]) {
    const path = join(dir, `${secret.name}.json`);
    const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
    writeFileSync(path, JSON.stringify({ resources: [{ '@type': type, name: secret.name, generic_secret: { secret: { inline_string: randomBytes(32).toString('hex') } } }] }));
    secret.sds_config.path_config_source.path = path;
  }
  const oauth2 = { name: 'envoy.filters.http.oauth2', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.oauth2.v3.OAuth2', config } };
  await start('migrate-from-envoy-oauth2', { filters: [oauth2] });
  assert.deepEqual(await open('acme.example.com', '/reports'), atTenantgate());
  assert.deepEqual(await open('globex.example.com', '/reports'), { status: 302, to: 'https://dex.acme.example/auth', seen: [] });
  assert.deepEqual(await open('globex.example.com', '/static/app.js'), behind);
});
