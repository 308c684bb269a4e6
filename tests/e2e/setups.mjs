/** Set-ups with one thing broken in each: tenants of one Envoy, each with a provider of its own. */
import assert from 'node:assert/strict';
import { createPublicKey, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Client } from './client.mjs';
import { exampleConfiguration, startEnvoy } from './envoy.mjs';
import { formIn } from './forms.mjs';
import { keyPair } from './key_pair.mjs';
import { freePorts } from './ports.mjs';
import { startProvider } from './provider.mjs';
import { findCounter, findLine, row } from './setup_rows.mjs';
import { startUpstream } from './upstream.mjs';

const PERSON = { uid: 'ada', password: 'engine', name: 'Ada', mail: 'ada@acme.example', groups: ['engineers'] };
const ACCOUNTS = {
  authenticate: async (uid, password) => (uid === PERSON.uid && password === PERSON.password ? uid : undefined),
  find: async () => PERSON,
};
const ADA = { user: PERSON.uid, password: PERSON.password };

const variable = (name) => `${name.toUpperCase().replaceAll('-', '_')}_SECRET`;

export function newKey(kid, alg = 'ES256') {
  const { privateKey } = alg === 'RS256' ? keyPair('rsa', { modulusLength: 2048 }) : keyPair('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

/** The public part of a key. */
export const publicPart = (jwk) => ({ ...createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'jwk' }), kid: jwk.kid, alg: jwk.alg });

/** Endpoints in the configuration, and this key, in place of `discovery`. */
export const withoutDiscovery = (tenant, jwk) => {
  const { cluster } = tenant.provider;
  tenant.provider = { cluster, authorization_endpoint: `${tenant.issuer}/auth`, token_endpoint: `${tenant.issuer}/token` };
  tenant.keys = [{ jwk: publicPart(jwk) }];
};

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT with these claims. */
export function jwt(jwk, claims, header = {}) {
  const input = `${base64url({ alg: jwk.alg, kid: jwk.kid, ...header })}.${base64url(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key: jwk, format: 'jwk', dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** A provider whose clock is off by so many seconds: the times of its ID tokens are. */
export function clockOff(seconds) {
  const jwk = newKey('clock');
  const front = async (ctx, next) => {
    await next();
    if (ctx.path !== '/token' || ctx.status !== 200) return;
    const claims = JSON.parse(Buffer.from(ctx.body.id_token.split('.')[1], 'base64url'));
    ctx.body.id_token = jwt(jwk, { ...claims, iat: claims.iat + seconds, exp: claims.exp + seconds });
  };
  return { provider: { jwk, front } };
}

/**
 * Starts Envoy at its default level, with `wasm` at debug, in front of these tenants. Each has:
 *
 * - `provider`: settings of `startProvider`; `false` starts none;
 * - `register(client)`: changes what is registered at the provider;
 * - `configure(tenant, {jwk, ports})`: changes the configuration of the tenant;
 * - `cluster(cluster, ports)`: changes its cluster;
 * - `secret(value)`: changes the variable; `undefined` leaves it unset.
 *
 * `change({envoy, tenantgate, plugin})` changes the whole.
 */
export async function startSetups({ dir, tenants, change = () => {}, env = {} }) {
  const names = Object.keys(tenants);
  const ports = await freePorts(['gateway', 'upstream', 'admin', 'closed', ...names]);
  const { envoy, tenantgate } = exampleConfiguration(ports);
  const manager = envoy.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  const plugin = manager.http_filters[0].typed_config.config;
  tenantgate.tenants = [];
  envoy.static_resources.clusters = envoy.static_resources.clusters.filter(({ name }) => name === 'upstream');
  const parts = [];
  const stop = async () => { for (const part of parts.splice(0).reverse()) await part.stop(); };
  const variables = { TENANTGATE_SESSION_KEY: randomBytes(32).toString('base64') };
  try {
    for (const name of names) {
      const { provider = {}, register = (it) => it, configure = () => {}, cluster = () => {}, secret = (it) => it } = tenants[name];
      const { jwk = newKey(`${name}-1`), ...settings } = provider;
      const host = `http://${name}.localhost:${ports.gateway}`;
      const client = {
        client_id: 'tenantgate', client_secret: randomBytes(24).toString('hex'), redirect_uris: [`${host}/oauth2/callback`],
        token_endpoint_auth_method: 'client_secret_basic',
      };
      const registered = register({ ...client });
      if (provider) parts.push(await startProvider({ tenant: name, port: ports[name], accounts: ACCOUNTS, jwk, client: registered, ...settings }));
      const secure = settings.secure ?? Boolean(settings.tls);
      const tenant = {
        name, hosts: [`${name}.localhost`], issuer: `${secure ? 'https' : 'http'}://login-${name}.localhost:${ports[name]}`, allow_insecure_issuer: true,
        client_id: client.client_id, client_secret: { env: variable(name) }, provider: { cluster: name, discovery: true },
        login: { redirect_uri: client.redirect_uris[0] },
      };
      configure(tenant, { jwk, ports });
      tenantgate.tenants.push(tenant);
      const own = {
        name, connect_timeout: '1s',
        load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: ports[name] } } } }] }] },
      };
      cluster(own, ports);
      envoy.static_resources.clusters.push(own);
      const value = secret(client.client_secret);
      if (value !== undefined) variables[variable(name)] = value;
    }
    plugin.vm_config.environment_variables.host_env_keys = ['TENANTGATE_SESSION_KEY', ...names.map(variable)];
    change({ envoy, tenantgate, plugin, manager, ports });
    const upstream = await startUpstream({ port: ports.upstream });
    parts.push(upstream);
    const running = await startEnvoy({ envoy, adminPort: ports.admin, dir, env: { ...variables, ...env }, wasmLog: 'debug', level: 'info' });
    parts.push(running);
    return { ports, stop, received: upstream.received, log: running.log, page: (name, path = '/') => `http://${name}.localhost:${ports.gateway}${path}` };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A browser that opens a page of the tenant and signs in where the provider lets it. */
export async function visit(setups, tenant, path = '/', client = new Client()) {
  const first = await client.follow(setups.page(tenant, path));
  if (!first.body.includes('name="password"')) return first;
  const sent = await client.send(first.url, { method: 'POST', form: ADA });
  const answer = { url: sent.location, ...await client.follow(sent.location) };
  // A page of the provider that posts its response by a script.
  const form = answer.status === 200 && answer.body.includes('Submitting Callback') ? formIn(answer) : undefined;
  return form ? client.send(form.action, { method: 'POST', form: form.fields }) : answer;
}

/**
 * Tests with these tenants in one Envoy. `broken(cause, tenant, action)` is the test of one row of
 * the table: after `action` the upstream has received nothing, the answer has the status of the
 * symptom, one line of the log has the words of the row, and the event is counted. `action` gets
 * the set-ups and returns the answer. `counter` is the tenant of the counter, if there is one, and
 * `reaches` is how many requests reach the upstream.
 */
export function theme(options) {
  const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
  let setups;
  before(async () => { setups = await startSetups({ dir, ...options }); });
  after(async () => {
    await setups?.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const broken = (cause, tenant, action = (all) => visit(all, tenant), { counter = tenant, reaches = 0 } = {}) => test(cause, async () => {
    const expected = row(cause);
    const answer = await action(setups);
    const seen = setups.received.splice(0);
    assert.equal(seen.length, reaches, 'the upstream received something else');
    const [, page] = expected.symptom.match(/, "(.*)"$/) ?? [];
    if (page) assert.ok(answer.body.includes(page), answer.body);
    assert.equal(String(answer.status), expected.symptom.slice(0, 3), `${JSON.stringify(answer.headers)} ${answer.body}`);
    await findLine(setups.log, expected, tenant);
    await findCounter(setups.ports.admin, expected, counter);
  });
  const works = (title, tenant, action = (all) => visit(all, tenant), status = 200) => test(title, async () => {
    const answer = await action(setups);
    assert.equal(answer.status, status, answer.body);
    assert.equal(setups.received.splice(0).length, status === 200 ? 1 : 0);
  });
  return { broken, works };
}
