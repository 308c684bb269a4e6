/** Tier `provider`: the answers that docs/guides/api-clients.md quotes, with its configuration. */
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';

import { TOP } from './envoy.mjs';
import { startGateway } from './gateway.mjs';
import { keyPair } from './key_pair.mjs';
import { freePorts } from './ports.mjs';

const GUIDE = readFileSync(join(TOP, 'docs/guides/api-clients.md'), 'utf8');
const SECTION = parse(GUIDE.split('```yaml\n')[1].split('```')[0]);
const keys = Object.fromEntries(['acme', 'globex'].map((tenant) => [tenant, keyPair('ec', { namedCurve: 'P-256' })]));
const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const log = join(dir, 'envoy.log');
let ports, gateway;

const tenant = (name, section) => ({
  name, hosts: [`${name}.example.com`], issuer: `https://dex.${name}.example`, client_id: 'tenantgate',
  keys: [{ jwk: { ...keys[name].publicKey.export({ format: 'jwk' }), kid: `${name}-1`, alg: 'ES256' } }],
  provider: { cluster: 'provider', authorization_endpoint: `https://dex.${name}.example/auth`, token_endpoint: `https://dex.${name}.example/token` },
  ...section,
});

before(async () => {
  ports = await freePorts(['gateway', 'acme', 'globex', 'provider', 'upstream', 'admin']);
  gateway = await startGateway({ ports, dir, log, tenants: [tenant('acme', SECTION), tenant('globex', {})] });
});

after(async () => {
  await gateway?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const now = () => Math.floor(Date.now() / 1000);

/** A good access token for acme, with these changes. */
function token({ claims = {}, header = {}, by = 'acme' } = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { iss: 'https://dex.acme.example', aud: 'https://api.acme.example', sub: 'billing-job', client_id: 'billing-job', iat: now(), exp: now() + 600, jti: '1', scope: 'orders orders.read', ...claims };
  const input = `${part({ alg: 'ES256', typ: 'at+jwt', kid: `${by}-1`, ...header })}.${part(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key: keys[by].privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** Asks for a page: status, `www-authenticate`, body, and what the upstream received. */
function ask(bearer, { host = 'acme.example.com', method = 'GET', path = '/api/orders/7' } = {}) {
  const count = gateway.received.length;
  const headers = { host, ...(bearer && { authorization: `Bearer ${bearer}` }) };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: ports.gateway, method, path, headers }, async (answer) => {
      const body = (await answer.toArray()).join('');
      resolve({ status: answer.statusCode, authenticate: answer.headers['www-authenticate'], body, seen: gateway.received.slice(count) });
    });
    sent.on('error', reject).end();
  });
}

/** Asserts that the request is refused with this status and with a block of the guide. */
function isQuoted({ status, authenticate, body, seen }, expected) {
  assert.equal(status, expected);
  assert.deepEqual(seen, []);
  const quoted = `www-authenticate: ${authenticate}\n${body.trim().replace(/"request_id":"[^"]+"/, '"request_id":"..."')}\n`;
  assert.ok(GUIDE.includes(`\`\`\`text\n${quoted}\`\`\``), quoted);
}

test('a good token reaches the upstream, without the token', async () => {
  const { status, seen } = await ask(token());
  assert.equal(status, 200);
  const headers = Object.fromEntries(seen[0].headers);
  assert.deepEqual([headers['x-auth-request-user'], headers['x-auth-request-tenant'], headers.authorization], ['billing-job', 'acme', undefined]);
});

test('the answers are those of the guide', async () => {
  isQuoted(await ask(), 401);
  isQuoted(await ask(token({ claims: { iat: now() - 7200, exp: now() - 3600 } })), 401);
  isQuoted(await ask(token(), { method: 'POST' }), 403);
});

/** The clock may pass a second between the token and its check. */
const aboutAnHour = (text) => text.replace(/, 360\d seconds ago/, ', an hour ago');

test('each row about an invalid token is what Envoy answers and logs', async () => {
  const cases = [
    token({ claims: { iat: now() - 7200, exp: now() - 3600 } }),
    token({ claims: { aud: 'https://other.example' } }),
    token({ by: 'globex', claims: { iss: 'https://dex.globex.example' } }),
    `${token().slice(0, -8)}AAAAAAAA`,
    token({ claims: { aud: 'tenantgate', nonce: 'n' }, header: { typ: 'JWT' } }),
    'an-opaque-token',
  ];
  const rows = GUIDE.split('\n| `error_description`')[1].split('\n\n')[0].split('\n').slice(2).map((row) => row.slice(2).split(' | '));
  assert.equal(rows.length, cases.length + 1);
  for (const [number, bearer] of cases.entries()) {
    const { status, authenticate, body, seen } = await ask(bearer);
    const [description, added] = rows[number];
    assert.deepEqual([status, seen.length], [401, 0]);
    assert.equal(authenticate, `Bearer realm="acme", error="invalid_token", error_description="${description}"`);
    const id = JSON.parse(body).request_id;
    const line = readFileSync(log, 'utf8').split('\n').find((text) => text.includes(`token_invalid tenant=acme request_id=${id}`));
    const detail = added.replace(/^`+ ?| ?`+$/g, '');
    if (/^[,:] /.test(detail)) assert.ok(aboutAnHour(line).includes(description + aboutAnHour(detail)), `${line}\n${detail}`);
  }
  const { status, authenticate, body } = await ask(token({ by: 'globex' }), { host: 'globex.example.com' });
  assert.equal(status, 401);
  assert.ok(authenticate.includes(`error_description="${rows.at(-1)[0]}"`) && JSON.parse(body).error === 'token_not_accepted');
});

test('a rule about groups refuses a token without speaking of scopes', async () => {
  const { status, authenticate, body, seen } = await ask(token(), { path: '/reports' });
  assert.deepEqual([status, authenticate, JSON.parse(body).error, seen], [403, undefined, 'access_denied', []]);
});
