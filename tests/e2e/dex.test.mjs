/** Tier `dex`: Envoy, dex and OpenLDAP, and what the upstream receives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { eventually, values } from './assertions.mjs';
import { Client } from './client.mjs';
import { ldapConnector } from './dex.mjs';
import { dexStack } from './dex_stack.mjs';
import { signIn } from './forms.mjs';
import { people } from './people.mjs';
import { startDirectory } from './slapd.mjs';
import { groupsIn } from './upstream.mjs';

const [ada, bob] = people.acme;
const stack = dexStack('dex', {
  tenants: {
    acme: {
      bearer: { audiences: ['tenantgate'], id_tokens: true },
      roles: [{ name: 'admin', groups: ['platform-admins'] }],
      access: [{ paths: ['/admin/*'], allow: { roles: ['admin'] } }, { allow: 'any_user' }],
    },
    // The other way in which dex lets a client authenticate; it has no `private_key_jwt`.
    hooli: { provider: { cluster: 'provider', discovery: true, token_endpoint_auth_method: 'client_secret_post' } },
  },
  // dex changes its key every 30 seconds during these tests.
  signingKeys: '1s',
  async connectors({ ports, dir, stopLater }) {
    const directory = stopLater(await startDirectory({ port: ports.ldap, dir: join(dir, 'ldap'), people: { acme: people.acme } }));
    return [ldapConnector(directory, 'acme')];
  },
});
const { test, origin, signedIn } = stack;

test('the default scopes bring the groups of the directory, which give roles', async () => {
  const { client, seen } = await signedIn('acme', ada);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['ada@acme.example']);
  assert.deepEqual(groupsIn(values(seen, 'x-auth-request-groups')[0]).sort(), ['engineers', 'platform-admins']);
  assert.deepEqual(values(seen, 'x-auth-request-roles'), ['admin']);
  await stack.received(() => client.open(`${origin('acme')}/admin/users`));

  const other = await signedIn('acme', bob);
  assert.deepEqual(values(other.seen, 'x-auth-request-groups'), ['engineers']);
  const refused = await stack.denied(() => other.client.open(`${origin('acme')}/admin/users`));
  assert.equal(refused.status, 403);
});

test('a login ends at the page that was asked for', async () => {
  const page = '/reports/q3?year=2026&q=a%26b';
  const seen = await stack.received(() => signIn(new Client(), origin('acme') + page, bob));
  assert.equal(seen.path, page);
});

test('a wrong password keeps the person at dex', async () => {
  const client = new Client();
  const attempt = signIn(client, `${origin('acme')}/`, { ...bob, password: 'wrong' });
  await stack.denied(() => assert.rejects(attempt, /Invalid/));
});

test('the form of dex names an address, so no fragment comes through it', async () => {
  const { body } = await new Client().follow(`${origin('acme')}/`);
  assert.match(body, /<form method="post" action="[^"#]+">/);
});

test('the client authenticates with its secret in the form', async () => {
  const { seen } = await signedIn('hooli', bob);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), ['engineers']);
  const { token_endpoint_auth_methods_supported: methods } = await stack.dex.metadata();
  assert.deepEqual(methods, ['client_secret_basic', 'client_secret_post']);
});

test('a sign-out ends the session here, and the next login asks dex for credentials', async () => {
  const { client, open } = await signedIn('acme', bob);
  const copy = client.copy();
  const answer = await stack.denied(() => client.open(`${origin('acme')}/oauth2/logout`));
  assert.equal(answer.status, 200);
  assert.equal(new URL((await stack.denied(open)).location).searchParams.get('prompt'), 'login');
  await stack.endsAtBothWorkers(() => copy.open(`${origin('acme')}/`), stack.dex.issuer);
  const form = await stack.denied(() => client.follow(`${origin('acme')}/`));
  assert.match(form.body, /name="password"/);

  // dex has no sign-out of its own to tell the gate about, or to be told of.
  const metadata = await stack.dex.metadata();
  for (const name of ['end_session_endpoint', 'revocation_endpoint', 'backchannel_logout_supported', 'frontchannel_logout_supported']) {
    assert.equal(name in metadata, false, name);
  }
});

const call = (token) => new Client().send(`${origin('acme')}/orders`, { headers: { authorization: `Bearer ${token}` } });
const byPassword = ({ uid, password }) => stack.dex.token({ grant_type: 'password', scope: 'openid profile email groups', username: uid, password });

test('ID and access tokens of the password grant are bearer tokens', async () => {
  const tokens = await byPassword(bob);
  assert.equal(tokens.status, 200);
  for (const token of [tokens.id_token, tokens.access_token]) {
    const seen = await stack.received(() => call(token));
    assert.equal(seen.answer.status, 200);
    assert.deepEqual(values(seen, 'x-auth-request-user'), ['bob']);
    assert.deepEqual(values(seen, 'x-auth-request-groups'), ['engineers']);
    assert.deepEqual(values(seen, 'authorization'), []);
  }
  const [head, , signature] = tokens.id_token.split('.');
  const forged = Buffer.from(JSON.stringify({ iss: stack.dex.issuer, aud: 'tenantgate', preferred_username: 'ada' })).toString('base64url');
  assert.equal((await stack.denied(() => call([head, forged, signature].join('.')))).status, 401);
});

test('dex has no client credentials grant', async () => {
  const { status, error } = await stack.dex.token({ grant_type: 'client_credentials', scope: 'openid' });
  assert.deepEqual({ status, error }, { status: 400, error: 'unsupported_grant_type' });
});

test('tokens with the next key of dex are accepted, and those with the last one still are', async () => {
  const keyId = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url')).kid;
  const session = await signedIn('acme', bob);
  const { id_token: last } = await byPassword(bob);
  await stack.received(() => call(last));
  await stack.dex.nextKey(keyId(last));
  const { id_token: next } = await byPassword(bob);
  assert.notEqual(keyId(next), keyId(last));
  await signedIn('acme', bob);
  for (const token of [next, last]) {
    await eventually(async () => (await stack.gateway.atBothWorkers(() => call(token))).every(({ status }) => status === 200), 1);
  }
  await stack.received(session.open);
});

test('no secret is in the log at log level trace', async () => {
  const { client } = await signedIn('acme', ada);
  const cookies = [...client.jar.get('acme.localhost')].filter(([name]) => !name.endsWith('-redirect-loop')).map(([, value]) => value);
  const { id_token: token } = await byPassword(ada);
  await stack.received(() => call(token));
  const log = readFileSync(stack.envoyLog, 'utf8');
  for (const text of [stack.secret, ...cookies, token]) {
    assert.ok(text.length > 20);
    assert.equal(log.includes(text), false);
  }
});
