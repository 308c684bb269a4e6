/** Tier `provider`: Envoy and Glewlwyd, and what the upstream receives. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';

import { eventually, logged, naming, observe, values } from './assertions.mjs';
import { startGlewlwyd } from './glewlwyd.mjs';
import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { startGateway } from './gateway.mjs';
import { people } from './people.mjs';
import { freePorts } from './ports.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const logs = join(TOP, 'target/test-logs');
const [glewlwydLog, envoyLog] = [join(logs, 'glewlwyd.log'), join(logs, 'glewlwyd-envoy.log')];
const client_secret = randomBytes(24).toString('base64url');
/** Groups as they come from an LDAP directory. */
const [ada, bob] = people.acme.map((person) => ({ ...person, groups: person.groups.map((name) => `cn=${name},ou=groups,dc=acme,dc=example`) }));
let ports, site, glewlwyd, gateway, received, denied, endsAtBothWorkers;

const named = naming({ Glewlwyd: glewlwydLog, Envoy: envoyLog });
const test = (name, action) => nodeTest(name, named(action));

before(named(async () => {
  mkdirSync(logs, { recursive: true });
  ports = await freePorts(['gateway', 'provider', 'upstream', 'admin']);
  site = `http://acme.localhost:${ports.gateway}`;
  glewlwyd = await startGlewlwyd({
    port: ports.provider, dir: join(dir, 'glewlwyd'), log: glewlwydLog, people: [ada, bob],
    client: { client_id: 'tenantgate', client_secret, redirect_uri: [`${site}/oauth2/callback`], token_endpoint_auth_method: ['client_secret_basic'] },
  });
  gateway = await startGateway({ ports, dir, log: envoyLog, tenants: [tenant()] });
  ({ received, denied, endsAtBothWorkers } = observe(gateway));
  await eventually(async () => (await new Client().open(`${site}/`)).status === 302);
}));

after(async () => {
  await gateway?.stop();
  await glewlwyd?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const tenant = () => ({
  name: 'acme', hosts: ['acme.localhost'], issuer: glewlwyd.issuer, allow_insecure_issuer: true, client_id: 'tenantgate', client_secret,
  provider: { cluster: 'provider', discovery: true },
  login: { redirect_uri: `${site}/oauth2/callback` },
  identity: { user: 'preferred_username', require_email_verified: false, group_common_name: true },
  refresh: { interval: '1s' },
  access: [{ paths: ['/admin/*'], allow: { groups: ['platform-admins'] } }, { allow: 'any_user' }],
});

async function signedIn(person) {
  const client = new Client();
  const seen = await received(() => glewlwyd.signIn(client, `${site}/`, person));
  return { client, seen };
}

test('the groups of Glewlwyd, which are distinguished names, decide', async () => {
  const { client, seen } = await signedIn(ada);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['ada@acme.example']);
  assert.deepEqual(values(seen, 'x-auth-request-groups').join().split(',').sort(), ['engineers', 'platform-admins']);
  await received(() => client.open(`${site}/admin/users`));

  const other = await signedIn(bob);
  assert.deepEqual(values(other.seen, 'x-auth-request-groups'), ['engineers']);
  assert.equal((await denied(() => other.client.open(`${site}/admin/users`))).status, 403);
});

test('a session is refreshed by answers of Glewlwyd, which have no ID token', async () => {
  const { client } = await signedIn(bob);
  const refreshes = () => logged(envoyLog, 'acme').match(/^session_refreshed /gm)?.length ?? 0;
  const before = refreshes();
  await eventually(async () => {
    await received(() => client.open(`${site}/`));
    return refreshes() > before;
  }, 1);
});

test('after a sign-out Glewlwyd, which has no endpoint for it, is asked for credentials', async () => {
  const { client } = await signedIn(ada);
  const copy = client.copy();
  const { status, body } = await denied(() => client.open(`${site}/oauth2/logout`));
  assert.equal(status, 200);
  assert.match(body, /You are signed out of this site\./);
  const { location } = await denied(() => client.open(`${site}/`));
  assert.equal(new URL(location).searchParams.get('prompt'), 'login');
  await endsAtBothWorkers(() => copy.open(`${site}/`), glewlwyd.issuer);
});
