/** Tier `provider`: Envoy and Canaille, and what the upstream receives. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';

import { eventually, logged, naming, observe, values } from './assertions.mjs';
import { startCanaille } from './canaille.mjs';
import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { signIn } from './forms.mjs';
import { startGateway } from './gateway.mjs';
import { people } from './people.mjs';
import { freePorts } from './ports.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const logs = join(TOP, 'target/test-logs');
const [canailleLog, envoyLog] = [join(logs, 'canaille.log'), join(logs, 'canaille-envoy.log')];
const client_secret = randomBytes(24).toString('base64url');
// Each signs in once: Canaille gives a user no second token within a second (`UNIQUE constraint`).
const [ada, bob, linus, grace] = [...people.acme, ...['linus', 'grace'].map((uid) => ({ ...people.acme[1], uid, mail: `${uid}@acme.example` }))];
let ports, site, canaille, gateway, received, denied, endsAtBothWorkers;

const named = naming({ Canaille: canailleLog, Envoy: envoyLog });
const test = (name, action) => nodeTest(name, named(action));

before(named(async () => {
  mkdirSync(logs, { recursive: true });
  ports = await freePorts(['gateway', 'provider', 'upstream', 'admin']);
  site = `http://acme.localhost:${ports.gateway}`;
  canaille = await startCanaille({
    port: ports.provider, dir: join(dir, 'canaille'), log: canailleLog, people: [ada, bob, linus, grace],
    client: {
      client_id: 'tenantgate', client_secret, redirect_uris: [`${site}/oauth2/callback`], post_logout_redirect_uris: [`${site}/`],
      token_endpoint_auth_method: 'client_secret_basic', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      scope: ['openid', 'profile', 'email', 'groups'],
    },
  });
  gateway = await startGateway({ ports, dir, log: envoyLog, tenants: [tenant()] });
  ({ received, denied, endsAtBothWorkers } = observe(gateway));
  await eventually(async () => (await new Client().open(`${site}/`)).status === 302);
}));

after(async () => {
  await gateway?.stop();
  await canaille?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const tenant = () => ({
  name: 'acme', hosts: ['acme.localhost'], issuer: canaille.issuer, allow_insecure_issuer: true, client_id: 'tenantgate', client_secret,
  provider: { cluster: 'provider', discovery: true },
  login: { redirect_uri: `${site}/oauth2/callback`, post_logout_redirect_uri: `${site}/` },
  refresh: { interval: '1s' },
  bearer: { audiences: ['tenantgate'] },
  access: [{ paths: ['/admin/*'], allow: { groups: ['platform-admins'] } }, { allow: 'any_user' }],
});

async function signedIn(person) {
  const client = new Client();
  const seen = await received(() => signIn(client, `${site}/`, person));
  return { client, seen };
}

test('the groups of Canaille decide, with the default scopes', async () => {
  const { client, seen } = await signedIn(ada);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  // Canaille does not say that it has verified the address.
  assert.deepEqual(values(seen, 'x-auth-request-email'), []);
  assert.deepEqual(values(seen, 'x-auth-request-groups').join().split(',').sort(), ['engineers', 'platform-admins']);
  await received(() => client.open(`${site}/admin/users`));

  const other = await signedIn(bob);
  assert.deepEqual(values(other.seen, 'x-auth-request-groups'), ['engineers']);
  assert.equal((await denied(() => other.client.open(`${site}/admin/users`))).status, 403);
  assert.match(logged(envoyLog, 'acme'), /^access_denied .*"\/admin\/users": it allows users with group "platform-admins"; the user has 1 group$/m);
});

test('a sign-out ends the session at Canaille, too', async () => {
  const { client } = await signedIn(linus);
  const copy = client.copy();
  const { location } = await denied(() => client.open(`${site}/oauth2/logout`));
  assert.ok(location.startsWith(`${canaille.issuer}/oauth/end_session?`), location);
  await endsAtBothWorkers(() => copy.open(`${site}/`), canaille.issuer);
});

test('a session is refreshed by answers of Canaille, which have no ID token', async () => {
  const { client } = await signedIn(grace);
  const refreshes = () => logged(envoyLog, 'acme').match(/^session_refreshed /gm)?.length ?? 0;
  const before = refreshes();
  await eventually(async () => {
    await received(() => client.open(`${site}/`));
    return refreshes() > before;
  }, 1);
});
