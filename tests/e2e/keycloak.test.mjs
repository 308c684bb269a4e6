/** Tier `provider`: Envoy and Keycloak, and what the upstream receives. */
import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { parse } from 'yaml';

import { eventually, identityHeaders, logged, naming, observe, values } from './assertions.mjs';
import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { formIn, signIn, unescape } from './forms.mjs';
import { startGateway } from './gateway.mjs';
import { expectLines, fileIn, linesIn, readGuide, startShell } from './guide.mjs';
import { ldapFederation, startKeycloak } from './keycloak.mjs';
import { people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { startDirectory } from './slapd.mjs';
import { groupsIn } from './upstream.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const logs = join(TOP, 'target/test-logs');
const [keycloakLog, envoyLog] = [join(logs, 'keycloak.log'), join(logs, 'keycloak-envoy.log')];
const secret = randomBytes(24).toString('base64url');
const [ada, bob] = people.acme;
const linus = { uid: 'linus', name: 'Linus Pauling', mail: 'linus@acme.example', password: 'alpha-helix', groups: ['engineers', 'platform-admins'] };
const partner = [{ uid: 'edsger', name: 'Edsger Dijkstra', mail: 'edsger@partner.example', password: 'shortest-path', groups: ['auditors', 'others'] }];
let ports, directory, keycloak, gateway, clientKey, received, denied, endsAtBothWorkers;

const named = naming({ Keycloak: keycloakLog, Envoy: envoyLog });
const test = (name, action) => nodeTest(name, named(action));

const origin = (tenant) => `http://${tenant}.localhost:${ports.gateway}`;

const guide = readGuide('keycloak.md');
/** Parses, with the addresses of this test in place of those of the guide. JSON is YAML, too. */
function here(text) {
  const addresses = { 'https://sso.acme.example/realms/acme': keycloak.issuer('acme'), 'https://acme.example.com': origin('acme'), 'acme.example.com': 'acme.localhost', keycloak_acme: 'provider' };
  return parse(Object.entries(addresses).reduce((changed, [from, to]) => changed.replaceAll(from, to), text));
}
/** Fails unless each of the `lines` is in the log about `tenant`, whose guide is about acme. */
const expectLogged = (tenant, lines) => lines.forEach((line) => expectLines('the log', logged(envoyLog, tenant), [line.replace('tenant=acme', `tenant=${tenant}`)]));

/** Makes the key and the two clients of the guide. */
async function registerClients() {
  const shell = startShell({ dir, adapt: (text) => text });
  try {
    await shell.play(guide['6. A client that signs'].filter(({ file, steps }) => steps || file === 'client-jwks.mjs'));
  } finally {
    shell.stop();
  }
  clientKey = readFileSync(join(dir, 'client-key.pem'), 'utf8');
  const client = here(fileIn(guide, '2. Register the client', 'client.json'));
  // The tenant vandelay is the same client; and the client may have tokens for itself.
  client.redirectUris.push(`${origin('vandelay')}/oauth2/callback`);
  await keycloak.admin('POST', '/acme/clients', { ...client, secret, serviceAccountsEnabled: true });
  const signing = here(fileIn(guide, '6. A client that signs', 'client-with-key.json').replaceAll('https://acme.example.com', origin('hooli')));
  signing.attributes['jwks.string'] = readFileSync(join(dir, 'client-jwks.json'), 'utf8');
  await keycloak.admin('POST', '/acme/clients', signing);
}

before(named(async () => {
  mkdirSync(logs, { recursive: true });
  ports = await freePorts(['gateway', 'provider', 'upstream', 'admin', 'ldap']);
  directory = await startDirectory({ port: ports.ldap, dir: join(dir, 'ldap'), people: { globex: people.globex } });
  keycloak = await startKeycloak({
    port: ports.provider, dir, log: keycloakLog, hosts: ['acme.localhost'],
    values: { GATEWAY: ports.gateway, SECRET: secret }, people: { acme: [ada, bob, linus], partner, stock: [{ ...bob, groups: [] }] },
  });
  await registerClients();
  gateway = await startGateway({ ports, dir, log: envoyLog, tenants: tenants() });
  ({ received, denied, endsAtBothWorkers } = observe(gateway));
  for (const { name } of tenants()) await eventually(async () => (await new Client().open(`${origin(name)}/`)).status === 302);
}));

after(async () => {
  await gateway?.stop();
  await keycloak?.stop();
  await directory?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** The configuration of the tenants: each has the host `<name>.localhost`. */
function tenants() {
  const tenant = (name, realm, { login, ...more } = {}) => ({
    name, hosts: [`${name}.localhost`], issuer: keycloak.issuer(realm), allow_insecure_issuer: true, client_id: 'tenantgate', client_secret: secret,
    provider: { cluster: 'provider', discovery: true },
    login: { scopes: ['openid', 'profile', 'email'], redirect_uri: `${origin(name)}/oauth2/callback`, ...login },
    identity: { user: 'preferred_username' },
    ...more,
  });
  // The tenant of the guide, with http, the secret itself, and bearer tokens.
  const acme = here(fileIn(guide, '1. Write the tenant', 'tenants.yaml')).tenants[0];
  const { client_key: signing, ...client } = here(linesIn(guide, '6. A client that signs').join('\n'));
  return [
    {
      ...acme, allow_insecure_issuer: true, client_secret: secret, bearer: { audiences: ['https://api.acme.example'] },
      login: { ...acme.login, redirect_uri: `${origin('acme')}/oauth2/callback` },
    },
    tenant('hooli', 'acme', {
      ...client, client_secret: undefined, client_key: { ...signing, pem: clientKey },
      login: { post_logout_redirect_uri: `${origin('hooli')}/`, keep_id_token: false },
      refresh: { interval: '1s' },
    }),
    tenant('vandelay', 'acme', { login: { scopes: ['openid', 'offline_access'] } }),
    tenant('stock', 'stock', { login: { scopes: undefined } }),
    tenant('piper', 'stock', { login: { scopes: ['openid', 'groups'] } }),
    tenant('initech', 'initech', { login: { parameters: { kc_idp_hint: 'partner' } } }),
    tenant('globex', 'globex', { refresh: { interval: '1s' } }),
  ];
}

/** A client with a session, and what the upstream received at its login. */
async function signedIn(tenant, person) {
  const client = new Client();
  const seen = await received(() => signIn(client, `${origin(tenant)}/`, person));
  return { client, seen, open: () => client.open(`${origin(tenant)}/`) };
}

test('the groups of Keycloak give roles', async () => {
  const { client, seen } = await signedIn('acme', ada);
  assert.deepEqual(identityHeaders(seen), linesIn(guide, '4. Sign in'));
  await received(() => client.open(`${origin('acme')}/admin/users`));

  const other = await signedIn('acme', bob);
  assert.deepEqual(values(other.seen, 'x-auth-request-groups'), ['engineers']);
  assert.deepEqual(values(other.seen, 'x-auth-request-roles'), []);
  const refused = await denied(() => other.client.open(`${origin('acme')}/admin/users`));
  assert.equal(refused.status, 403);
});

test('a refused user signs in with another account, which Keycloak asks to restart the login for', async () => {
  const page = `${origin('acme')}/admin/users?page=2&q=a%20b`;
  const { client } = await signedIn('acme', bob);
  const refused = { url: page, ...await denied(() => client.open(page)) };
  assert.match(refused.body, /<bdi>bob \(bob@acme\.example\)<\/bdi>/);
  const { location } = await client.send(formIn(refused).action, { method: 'POST', headers: { origin: origin('acme') } });
  assert.equal(new URL(location).searchParams.get('prompt'), 'login');
  // Keycloak still has a session for bob, and offers that account first.
  const login = await client.follow(location);
  assert.match(login.body, /<input id="kc-attempted-username" value="bob" readonly>/);
  const restart = unescape(login.body.match(/id="reset-login"[^>]*location\.href='([^']+)'/)[1]);
  const seen = await received(() => signIn(client, new URL(restart, location).href, ada));
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  assert.equal(seen.path, '/admin/users?page=2&q=a%20b');
});

test('the form of Keycloak names an address, so no fragment comes through it', async () => {
  const { body } = await new Client().follow(`${origin('acme')}/`);
  assert.match(body, /<form [^>]*\baction="[^"#]+"/);
});

test('the default scopes fit a stock realm, which refuses the scope `groups`', async () => {
  const { seen } = await signedIn('stock', bob);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['bob']);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), []);

  const answer = await denied(() => new Client().follow(`${origin('piper')}/`));
  const { origin: at, pathname, searchParams } = new URL(answer.url);
  assert.equal(at + pathname, `${origin('piper')}/oauth2/callback`);
  assert.equal(searchParams.get('error'), 'invalid_scope');
  assert.equal(answer.status, 400);
  assert.match(logged(envoyLog, 'piper'), /^authorization_error .*invalid_scope/m);
});

test('users of an imported realm get no token with the scope `offline_access`', async () => {
  const answer = await denied(() => signIn(new Client(), `${origin('vandelay')}/`, bob));
  assert.equal(new URL(answer.url).pathname, '/oauth2/callback');
  assert.equal(answer.status, 503);
  assert.match(logged(envoyLog, 'vandelay'), /^token_response_invalid .*not_allowed/m);
});

test('private_key_jwt', async () => {
  const { seen } = await signedIn('hooli', ada);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), ['engineers,platform-admins']);
});

test('a lost group is gone, and a disabled user signed out, after the interval', async () => {
  const { open } = await signedIn('hooli', linus);
  const groups = async () => values(await received(open), 'x-auth-request-groups')[0];
  assert.equal(await groups(), 'engineers,platform-admins');
  const user = await keycloak.user('acme', 'linus');
  const group = (await keycloak.admin('GET', `/acme/users/${user.id}/groups`)).find(({ name }) => name === 'platform-admins');
  await keycloak.admin('DELETE', `/acme/users/${user.id}/groups/${group.id}`);
  await eventually(async () => (await groups()) === 'engineers');

  await keycloak.admin('PUT', `/acme/users/${user.id}`, { ...user, enabled: false });
  await endsAtBothWorkers(open, keycloak.issuer('acme'));
  // The worker that answered may not be the one that refreshed and logs.
  await eventually(() => /^refresh_rejected .*invalid_grant/m.test(logged(envoyLog, 'hooli')), 1);
  expectLogged('hooli', linesIn(guide, '4. Sign in', 1));
});

test('the administrator ends all sessions of a user (back-channel logout)', async () => {
  const [first, second, other] = [await signedIn('acme', ada), await signedIn('acme', ada), await signedIn('acme', bob)];
  const { id } = await keycloak.user('acme', 'ada');
  await keycloak.admin('POST', `/acme/users/${id}/logout`);
  for (const { open } of [first, second]) await endsAtBothWorkers(open, keycloak.issuer('acme'));
  await received(other.open);
  assert.match(logged(envoyLog, 'acme'), /^backchannel_logout /m);
});

test('a sign-out here revokes the refresh token, and ends the session there', async () => {
  const { id } = await keycloak.user('acme', 'bob');
  const sessions = () => keycloak.admin('GET', `/acme/users/${id}/sessions`);
  const clients = async () => (await sessions()).flatMap((session) => Object.values(session.clients)).sort().join();
  // An ID token as the hint is enough; Keycloak asks if it gets only `logout_hint`.
  for (const [tenant, other, left, hint, asks] of [
    ['acme', 'hooli', 'tenantgate-with-key', 'id_token_hint', false],
    ['hooli', 'acme', 'tenantgate', 'logout_hint', true],
  ]) {
    await keycloak.admin('POST', `/acme/users/${id}/logout`);
    assert.deepEqual(await sessions(), []);
    const { client } = await signedIn(tenant, bob);
    const copy = client.copy();
    // Another application with the same session at Keycloak.
    await received(() => client.follow(`${origin(other)}/`));
    assert.equal(await clients(), 'tenantgate,tenantgate-with-key');
    const { location } = await denied(() => client.open(`${origin(tenant)}/oauth2/logout`));
    assert.ok(location.startsWith(`${keycloak.issuer('acme')}/protocol/openid-connect/logout?`));
    assert.ok(new URL(location).searchParams.has(hint));
    // The browser has not followed yet.
    await eventually(async () => (await clients()) === left);
    let answer = await client.follow(location, (url) => url === `${origin(tenant)}/`);
    if (asks) {
      assert.equal((await sessions()).length, 1);
      const { action, fields } = formIn(answer);
      answer = await client.send(action, { method: 'POST', form: fields });
      answer = await client.follow(answer.location, (url) => url === `${origin(tenant)}/`);
    }
    assert.equal(answer.url, `${origin(tenant)}/`);
    assert.deepEqual(await sessions(), []);
    await endsAtBothWorkers(() => copy.open(`${origin(tenant)}/`), keycloak.issuer('acme'));
  }
});

test('a sign-out there ends the session here', async () => {
  const { client, open } = await signedIn('acme', bob);
  const question = await client.follow(`${keycloak.issuer('acme')}/protocol/openid-connect/logout`);
  const { action, fields } = formIn(question);
  await received(open);
  await client.send(action, { method: 'POST', form: fields });
  await endsAtBothWorkers(open, keycloak.issuer('acme'));
  expectLogged('acme', linesIn(guide, '5. Sign out'));
});

test('a SAML identity provider behind Keycloak', async () => {
  const { seen } = await signedIn('initech', partner[0]);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['edsger']);
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['edsger@partner.example']);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), ['auditors']);
  assert.deepEqual(values(seen, 'x-auth-request-tenant'), ['initech']);
});

test('users and groups of an LDAP directory behind Keycloak', async () => {
  await ldapFederation(keycloak.admin, 'globex', directory);
  const { seen, open } = await signedIn('globex', people.globex[0]);
  const groups = (request) => groupsIn(values(request, 'x-auth-request-groups')[0]).sort();
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['grace']);
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['grace@globex.example']);
  assert.deepEqual(groups(seen), ['R&D, Zürich', 'accounting']);

  const base = directory.base('globex');
  await directory.edit((ldap) => ldap.del(`cn=R&D\\, Zürich,ou=groups,${base}`));
  await eventually(async () => groups(await received(open)).join() === 'accounting');
  await directory.edit((ldap) => ldap.del(`uid=grace,ou=people,${base}`));
  await endsAtBothWorkers(open, keycloak.issuer('globex'));
});

const call = (token) => new Client().send(`${origin('acme')}/orders`, { headers: { authorization: `Bearer ${token}` } });

test('access tokens of the client credentials grant', async () => {
  const seen = await received(async () => call(await keycloak.clientToken('acme', 'robot', secret)));
  assert.equal(seen.answer.status, 200);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['service-account-robot']);
  assert.deepEqual(values(seen, 'x-auth-request-tenant'), ['acme']);
  assert.deepEqual(values(seen, 'authorization'), []);

  // This client has no mapper for the audience.
  const { status, headers } = await denied(async () => call(await keycloak.clientToken('acme', 'tenantgate', secret)));
  assert.equal(status, 401);
  assert.match(headers['www-authenticate'], /error="invalid_token"/);
});

test('tokens with a new key of the realm are accepted', async () => {
  const token = () => keycloak.clientToken('acme', 'robot', secret);
  const keyId = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url')).kid;
  const before = await signedIn('acme', bob);
  const old = keyId(await token());
  const { id } = await keycloak.admin('GET', '/acme');
  await keycloak.admin('POST', '/acme/components', {
    name: 'next', providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider', parentId: id, config: { priority: ['200'] },
  });
  const next = await token();
  assert.notEqual(keyId(next), old);
  await signedIn('acme', bob);
  await eventually(async () => (await gateway.atBothWorkers(() => call(next))).every(({ status }) => status === 200), 1);
  await received(before.open);
});

test('no secret is in the log at log level trace', async () => {
  const { client } = await signedIn('acme', ada);
  const cookies = [...client.jar.get('acme.localhost')].filter(([name]) => !name.endsWith('-redirect-loop')).map(([, value]) => value);
  const { location } = await client.open(`${origin('acme')}/oauth2/logout`);
  const token = await keycloak.clientToken('acme', 'robot', secret);
  await received(() => call(token));
  const log = readFileSync(envoyLog, 'utf8');
  for (const text of [secret, createPrivateKey(clientKey).export({ format: 'jwk' }).d, ...cookies, new URL(location).searchParams.get('id_token_hint'), token]) {
    assert.ok(text.length > 20);
    assert.equal(log.includes(text), false);
  }
});
