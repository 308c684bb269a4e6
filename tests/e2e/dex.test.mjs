/** Tier `dex`: Envoy, dex and OpenLDAP, and what the upstream receives. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';

import { eventually, naming, observe, values } from './assertions.mjs';
import { Client } from './client.mjs';
import { startDex } from './dex.mjs';
import { TOP } from './envoy.mjs';
import { signIn } from './forms.mjs';
import { startGateway } from './gateway.mjs';
import { people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { startDirectory } from './slapd.mjs';
import { groupsIn } from './upstream.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const logs = join(TOP, 'target/test-logs');
const [dexLog, envoyLog] = [join(logs, 'dex-server.log'), join(logs, 'dex-envoy.log')];
const secret = randomBytes(24).toString('base64url');
const [ada, bob] = people.acme;
let ports, directory, dex, gateway, received, denied, endsAtBothWorkers;

const named = naming({ dex: dexLog, Envoy: envoyLog });
const test = (name, action) => nodeTest(name, named(action));

const origin = (tenant) => `http://${tenant}.localhost:${ports.gateway}`;
const redirectUri = (tenant) => `${origin(tenant)}/oauth2/callback`;

before(named(async () => {
  mkdirSync(logs, { recursive: true });
  ports = await freePorts(['gateway', 'provider', 'upstream', 'admin', 'ldap']);
  directory = await startDirectory({ port: ports.ldap, dir: join(dir, 'ldap'), people: { acme: people.acme } });
  const client = { id: 'tenantgate', secret, redirectURIs: ['acme', 'hooli'].map(redirectUri) };
  dex = await startDex({ port: ports.provider, dir, log: dexLog, directory, tenant: 'acme', client });
  gateway = await startGateway({ ports, dir, log: envoyLog, tenants: tenants() });
  ({ received, denied, endsAtBothWorkers } = observe(gateway));
  for (const { name } of tenants()) await eventually(async () => (await new Client().open(`${origin(name)}/`)).status === 302);
}));

after(async () => {
  await gateway?.stop();
  await dex?.stop();
  await directory?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** The configuration of the tenants: `acme` with the default scopes, `hooli` with refresh tokens. */
function tenants() {
  const tenant = (name, { login, ...more }) => ({
    name, hosts: [`${name}.localhost`], issuer: dex.issuer, allow_insecure_issuer: true, client_id: 'tenantgate', client_secret: secret,
    provider: { cluster: 'provider', discovery: true },
    login: { redirect_uri: redirectUri(name), ...login },
    identity: { user: 'preferred_username' },
    ...more,
  });
  return [
    tenant('acme', {
      bearer: { audiences: ['tenantgate'], id_tokens: true },
      roles: [{ name: 'admin', groups: ['platform-admins'] }],
      access: [{ paths: ['/admin/*'], allow: { roles: ['admin'] } }, { allow: 'any_user' }],
    }),
    tenant('hooli', {
      login: { scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'] },
      refresh: { interval: '1s', max_stale: '2s' },
    }),
  ];
}

/** A client with a session, and what the upstream received at its login. */
async function signedIn(tenant, person) {
  const client = new Client();
  const seen = await received(() => signIn(client, `${origin(tenant)}/`, person));
  return { client, seen, open: () => client.open(`${origin(tenant)}/`) };
}

test('the default scopes bring the groups of the directory, which give roles', async () => {
  const { client, seen } = await signedIn('acme', ada);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['ada@acme.example']);
  assert.deepEqual(groupsIn(values(seen, 'x-auth-request-groups')[0]).sort(), ['engineers', 'platform-admins']);
  assert.deepEqual(values(seen, 'x-auth-request-roles'), ['admin']);
  await received(() => client.open(`${origin('acme')}/admin/users`));

  const other = await signedIn('acme', bob);
  assert.deepEqual(values(other.seen, 'x-auth-request-groups'), ['engineers']);
  const refused = await denied(() => other.client.open(`${origin('acme')}/admin/users`));
  assert.equal(refused.status, 403);
});

test('a sign-out ends the session here, and the next login asks dex for credentials', async () => {
  const { client, open } = await signedIn('acme', bob);
  const copy = client.copy();
  const answer = await denied(() => client.open(`${origin('acme')}/oauth2/logout`));
  assert.equal(answer.status, 200);
  assert.equal(new URL((await denied(open)).location).searchParams.get('prompt'), 'login');
  await endsAtBothWorkers(() => copy.open(`${origin('acme')}/`), dex.issuer);
});

const call = (token) => new Client().send(`${origin('acme')}/orders`, { headers: { authorization: `Bearer ${token}` } });

test('ID tokens of the password grant are bearer tokens', async () => {
  const seen = await received(async () => call(await dex.idToken(bob)));
  assert.equal(seen.answer.status, 200);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['bob']);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), ['engineers']);
});

test('tokens with a new key of dex are accepted', async () => {
  const keyId = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url')).kid;
  const before = await signedIn('acme', bob);
  const old = keyId(await dex.idToken(bob));
  await dex.restart();
  const next = await dex.idToken(bob);
  assert.notEqual(keyId(next), old);
  await signedIn('acme', bob);
  await eventually(async () => (await gateway.atBothWorkers(() => call(next))).every(({ status }) => status === 200), 1);
  await received(before.open);
});

test('a refresh applies removals in the directory', async () => {
  const { seen, open } = await signedIn('hooli', ada);
  const groups = (request) => groupsIn(values(request, 'x-auth-request-groups')[0]).sort();
  assert.deepEqual(groups(seen), ['engineers', 'platform-admins']);
  const base = directory.base('acme');
  await directory.edit((ldap) => ldap.del(`cn=platform-admins,ou=groups,${base}`));
  await eventually(async () => groups(await received(open)).join() === 'engineers');

  // dex answers with status 500, as during an outage: the session ends with `refresh.max_stale`.
  await directory.edit((ldap) => ldap.del(`uid=ada,ou=people,${base}`));
  await endsAtBothWorkers(open, dex.issuer);
});
