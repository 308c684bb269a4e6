/** Tier `provider`: Envoy, `oidc-provider` and OpenLDAP, and what the upstream receives. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually, observe, values } from './assertions.mjs';
import { directoryAccounts } from './directory.mjs';
import { keyPair } from './key_pair.mjs';
import { people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { startDirectory } from './slapd.mjs';
import { origin, startStack } from './stack.mjs';
import { groupsIn } from './upstream.mjs';
import { Client } from './client.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const password = (tenant, uid) => people[tenant].find((p) => p.uid === uid).password;
let ports, directory, stack, received, denied, acme, globex;

before(async () => {
  ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin', 'ldap']);
  directory = await startDirectory({ port: ports.ldap, dir: join(dir, 'ldap'), people });
  const accounts = (tenant) => directoryAccounts({ ...directory, base: directory.base(tenant) });
  stack = await startStack({ ports, dir, accounts, wasmLog: 'trace', discovered: ['acme', 'globex'], refreshAfter: { globex: 1 } });
  ({ received, denied } = observe(stack));
  [acme, globex] = ['acme', 'globex'].map((tenant) => origin(tenant, ports));
  for (const page of [acme, globex]) await eventually(async () => (await new Client().open(`${page}/`)).status === 302);
});

after(async () => {
  await stack?.stop();
  await directory?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const isCallback = (url) => new URL(url).pathname === '/oauth2/callback';

async function signedIn(tenant, uid) {
  const client = new Client();
  const answer = await client.signIn(`${origin(tenant, ports)}/`, uid, password(tenant, uid));
  assert.equal(answer.status, 200);
  return client;
}

test('a deep link leads to the issuer of its tenant', async () => {
  const answer = await denied(() => new Client().open(`${acme}/reports/q3?year=2026&x=%2F`));
  assert.equal(answer.status, 302);
  const url = new URL(answer.location);
  assert.equal(url.origin, `http://login-acme.localhost:${ports.acme}`);
  for (const [name, value] of Object.entries({ response_type: 'code', client_id: 'tenantgate', code_challenge_method: 'S256' })) {
    assert.deepEqual(url.searchParams.getAll(name), [value]);
  }
  for (const name of ['state', 'nonce', 'code_challenge']) assert.match(url.searchParams.get(name), /^[\w-]{43}$/);
  assert.equal(answer.headers['cache-control'], 'no-store');
});

test('the login leads to the requested page, with the identity from the directory', async () => {
  const client = new Client();
  const link = `${acme}/reports/q3?year=2026&x=%2F`;
  const { answer, ...seen } = await received(() => client.signIn(link, 'ada', password('acme', 'ada')));
  assert.equal(answer.url, link);
  assert.equal(seen.path, '/reports/q3?year=2026&x=%2F');
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['ada@acme.example']);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), ['engineers,platform-admins']);
  assert.deepEqual(values(seen, 'x-auth-request-tenant'), ['acme']);
  assert.deepEqual(values(seen, 'cookie'), []);
});

test('client_secret_post, ES256, discovery, a fetched JWKS, and a group with a comma', async () => {
  const client = new Client();
  const seen = await received(() => client.signIn(`${globex}/`, 'grace', password('globex', 'grace')));
  const [groups, ...more] = values(seen, 'x-auth-request-groups');
  assert.deepEqual(more, []);
  assert.equal(groups, 'R&D%2C Z%C3%BCrich,accounting');
  assert.deepEqual(groupsIn(groups), ['R&D, Zürich', 'accounting']);
});

test('a login with a new key of the issuer works', async () => {
  const before = await signedIn('acme', 'bob');
  for (let round = 0; round < 2; round += 1) {
    await stack.rotate('acme');
    const seen = await received(() => new Client().signIn(`${acme}/`, 'bob', password('acme', 'bob')));
    assert.deepEqual(values(seen, 'x-auth-request-user'), ['bob']);
  }
  await received(() => before.open(`${acme}/`));
});

test('the same user name at another tenant is another person', async () => {
  const seen = await received(() => new Client().signIn(`${globex}/`, 'bob', password('globex', 'bob')));
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['bob@globex.example']);
  const refused = await denied(() => new Client().signIn(`${globex}/`, 'bob', password('acme', 'bob')));
  assert.equal(refused.status, 401);
});

test('a wrong password, an empty one and an unknown user give no session', async () => {
  for (const [user, pass] of [['ada', 'wrong'], ['ada', ''], ['nobody', 'x'], ['*', 'x'], ['ada)(uid=*', 'x']]) {
    const client = new Client();
    const answer = await denied(() => client.signIn(`${acme}/`, user, pass));
    assert.equal(answer.status, 401);
    assert.match(answer.body, /User or password is wrong/);
    assert.equal(client.jar.get('acme.localhost').has('__Host-tenantgate-session'), false);
  }
});

test('identity headers of the client are removed', async () => {
  const client = await signedIn('acme', 'bob');
  const seen = await received(() => client.open(`${acme}/`, {
    'X-Auth-Request-User': 'evil', 'X-AUTH-REQUEST-GROUPS': 'admins', 'X-Auth.Request.Email': 'evil', authorization: 'Basic evil',
    connection: 'close, x-auth-request-user', cookie: `${[...client.jar.get('acme.localhost')].map((c) => c.join('=')).join('; ')}; theme=dark`,
  }));
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['bob']);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), ['engineers']);
  assert.deepEqual(values(seen, 'cookie'), ['theme=dark']);
  assert.equal(JSON.stringify(seen.headers).includes('evil'), false);
});

test('a page for a role', async () => {
  const ada = await signedIn('acme', 'ada');
  const { answer } = await received(() => ada.open(`${acme}/admin/users`));
  assert.equal(answer.status, 200);
  const bob = new Client();
  for (let i = 0; i < 2; i += 1) {
    const refused = await denied(() => (i === 0 ? bob.signIn(`${acme}/admin/users`, 'bob', password('acme', 'bob')) : bob.open(`${acme}/admin`)));
    assert.equal(refused.status, 403);
    assert.match(refused.body, /Your account may not open this page/);
  }
  const { answer: elsewhere } = await received(() => bob.open(`${acme}/`));
  assert.equal(elsewhere.status, 200);
  for (const path of ['/%61dmin/users', '//admin/users', '/admin/users;x', '/healthz/..%2fadmin/users']) {
    const { status } = await denied(() => bob.send(acme + path, { headers: { accept: 'text/html', 'x-original-url': '/healthz' } }));
    assert.ok([301, 307, 400, 403].includes(status), `${path}: ${status}`);
  }
});

test('a public page needs no session and gets no identity', async () => {
  const seen = await received(() => new Client().send(`${acme}/healthz`, { headers: { 'x-auth-request-user': 'evil', accept: 'text/plain' } }));
  assert.equal(seen.answer.status, 200);
  assert.deepEqual(seen.headers.filter(([name]) => name.startsWith('x-auth-request')), []);
});

test('a session of one tenant is refused at another', async () => {
  const client = await signedIn('acme', 'ada');
  client.jar.set('globex.localhost', client.jar.get('acme.localhost'));
  const answer = await denied(() => client.open(`${globex}/`));
  assert.equal(new URL(answer.location).origin, `http://login-globex.localhost:${ports.globex}`);
});

test('a callback of one tenant is refused at another', async () => {
  const client = new Client();
  const { url } = await client.signIn(`${acme}/`, 'ada', password('acme', 'ada'), isCallback);
  client.jar.set('globex.localhost', client.jar.get('acme.localhost'));
  const answer = await denied(() => client.open(url.replace(acme, globex)));
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.setCookies, []);
});

test('a code of one issuer is refused at another', async () => {
  const client = new Client();
  const { url } = await client.signIn(`${acme}/`, 'bob', password('acme', 'bob'), isCallback);
  const started = await client.open(`${globex}/`);
  const mixed = new URL('/oauth2/callback', globex);
  mixed.searchParams.set('code', new URL(url).searchParams.get('code'));
  mixed.searchParams.set('state', new URL(started.location).searchParams.get('state'));
  mixed.searchParams.set('iss', `http://login-globex.localhost:${ports.globex}`);
  const answer = await denied(() => client.open(mixed.href));
  assert.equal(answer.status, 400);
  assert.match(answer.body, /Sign-in expired/);
});

test('a script gets 401, not a redirect', async () => {
  for (const headers of [{ 'sec-fetch-mode': 'cors', accept: 'text/html' }, { accept: 'application/json' }, { 'x-requested-with': 'XMLHttpRequest', accept: 'text/html' }]) {
    const answer = await denied(() => new Client().send(`${acme}/api`, { headers }));
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="acme"');
    assert.deepEqual(answer.setCookies, []);
  }
});

test('a host without a tenant gets 404', async () => {
  const answer = await denied(() => new Client().open(`http://initech.localhost:${ports.gateway}/`));
  assert.equal(answer.status, 404);
});

test('a callback is accepted once', async () => {
  const client = new Client();
  const { url } = await client.signIn(`${acme}/`, 'ada', password('acme', 'ada'), isCallback);
  const first = await denied(() => client.open(url));
  assert.equal(first.status, 302);
  // With a session, the callback redirects to the start page and redeems nothing.
  const second = await denied(() => client.open(url));
  assert.deepEqual([second.status, second.location, second.setCookies], [302, `${acme}/`, []]);
  client.jar.clear();
  assert.equal((await denied(() => client.open(url))).status, 400);
});

test('a callback in another browser is refused', async () => {
  const { url } = await new Client().signIn(`${acme}/`, 'ada', password('acme', 'ada'), isCallback);
  const answer = await denied(() => new Client().open(url));
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.setCookies, []);
});

test('signing out ends the session here and goes to the issuer', async () => {
  const client = await signedIn('acme', 'ada');
  const answer = await denied(() => client.open(`${acme}/oauth2/logout`));
  const url = new URL(answer.location);
  assert.equal(url.origin + url.pathname, `http://login-acme.localhost:${ports.acme}/session/end`);
  assert.equal(url.searchParams.get('post_logout_redirect_uri'), `${acme}/`);
  assert.equal((await client.follow(answer.location)).status, 200);
  assert.equal((await denied(() => client.open(`${acme}/`))).status, 302);
});

test('logout sends id_token_hint to the provider', async () => {
  const client = await signedIn('globex', 'grace');
  const { location } = await denied(() => client.open(`${globex}/oauth2/logout`));
  assert.match(new URL(location).searchParams.get('id_token_hint'), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const answer = await client.follow(location);
  assert.equal(answer.status, 200);
  assert.match(answer.body, /Sign out of globex\?/);
});

test('back-channel logout ends one session', async () => {
  const [client, other] = [await signedIn('acme', 'ada'), await signedIn('acme', 'ada')];
  const issuer = `http://login-acme.localhost:${ports.acme}`;
  const { body } = await client.open(`${issuer}/session/end`);
  const [, xsrf] = body.match(/name="xsrf" value="(\w+)"/);
  await client.send(`${issuer}/session/end/confirm`, { method: 'POST', form: { xsrf, logout: 'yes' } });
  await eventually(async () => (await client.open(`${acme}/`)).status === 302);
  await received(() => other.open(`${acme}/`));
  assert.match(readFileSync(stack.log, 'utf8'), /backchannel_logout tenant=acme/);
});

test('another site can only ask for a logout', async () => {
  const client = await signedIn('acme', 'ada');
  const answer = await denied(() => client.open(`${acme}/oauth2/logout`, { 'sec-fetch-site': 'cross-site' }));
  assert.equal(answer.status, 200);
  assert.match(answer.body, /Sign out\?/);
  await received(() => client.open(`${acme}/`));
});

test('private_key_jwt, required iss, max_age, and groups from the UserInfo endpoint', async () => {
  const keys = { acme: keyPair('rsa', { modulusLength: 2048 }), globex: keyPair('ec', { namedCurve: 'P-256' }) };
  const algorithms = { acme: 'RS256', globex: 'ES256' };
  const others = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin']);
  const second = await startStack({
    ports: others, dir: join(dir, 'second'), accounts: (tenant) => directoryAccounts({ ...directory, base: directory.base(tenant) }), wasmLog: 'trace',
    // OpenID Connect Core section 5.4: only the UserInfo endpoint has the claims of the scopes.
    settings: { conformIdTokenClaims: true },
    refreshAfter: { globex: 1 },
    register: (tenant, { client_secret: _, ...client }) => ({
      ...client, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: algorithms[tenant],
      jwks: { keys: [{ ...keys[tenant].publicKey.export({ format: 'jwk' }), kid: 'client', use: 'sig', alg: algorithms[tenant] }] },
    }),
    configure: ({ client_secret: _, provider, login, ...tenant }) => ({
      ...tenant,
      client_key: {
        pem: keys[tenant.name].privateKey.export({ type: 'pkcs8', format: 'pem' }), kid: 'client',
        audience: tenant.name === 'acme' ? 'issuer' : 'token_endpoint',
      },
      provider: {
        ...provider, token_endpoint_auth_method: 'private_key_jwt', authorization_response_iss_parameter_supported: true,
        userinfo_endpoint: `${tenant.issuer}/me`,
      },
      login: { ...login, userinfo: true, max_age: '1h' },
      headers: { id_token: 'authorization' },
    }),
  });
  try {
    for (const [tenant, user, groups] of [['acme', 'ada', 'engineers,platform-admins'], ['globex', 'grace', 'R&D%2C Z%C3%BCrich,accounting']]) {
      const answer = await new Client().signIn(`${origin(tenant, others)}/`, user, password(tenant, user));
      assert.equal(answer.status, 200, readFileSync(second.log, 'utf8').split('\n').filter((line) => line.includes('tenant=')).at(-1));
      const seen = second.received.at(-1);
      assert.deepEqual(values(seen, 'x-auth-request-user'), [user]);
      assert.deepEqual(values(seen, 'x-auth-request-groups'), [groups]);
      const [, payload] = values(seen, 'authorization')[0].replace('Bearer ', '').split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url'));
      assert.equal(claims.sub, user);
      assert.equal(claims.groups, undefined);
      assert.ok(claims.auth_time > 0);
      assert.equal(readFileSync(second.log, 'utf8').includes(payload), false);
    }
    // A refresh adds and removes a group that only the UserInfo endpoint has.
    const client = new Client();
    await client.signIn(`${origin('globex', others)}/`, 'grace', password('globex', 'grace'));
    const seen = async () => {
      assert.equal((await client.open(`${origin('globex', others)}/`)).status, 200);
      return groupsIn(values(second.received.at(-1), 'x-auth-request-groups')[0]);
    };
    const base = directory.base('globex');
    const temporary = `cn=auditors,ou=groups,${base}`;
    await directory.edit((ldap) => ldap.add(temporary, { objectClass: 'groupOfNames', cn: 'auditors', member: `uid=grace,ou=people,${base}` }));
    while (!(await seen()).includes('auditors'));
    await directory.edit((ldap) => ldap.del(temporary));
    while ((await seen()).includes('auditors'));
    assert.match(readFileSync(second.log, 'utf8'), /session_refreshed tenant=globex/);
  } finally {
    await second.stop();
  }
});

test('a refresh applies removals in the directory', async () => {
  const client = await signedIn('globex', 'grace');
  const open = () => client.open(`${globex}/`);
  const seen = async () => groupsIn(values(await received(open), 'x-auth-request-groups')[0]);
  assert.deepEqual(await seen(), ['R&D, Zürich', 'accounting']);
  const base = directory.base('globex');
  await directory.edit((ldap) => ldap.del(`cn=R&D\\, Zürich,ou=groups,${base}`));
  while ((await seen()).length > 1);
  assert.deepEqual(await seen(), ['accounting']);

  await directory.edit((ldap) => ldap.del(`uid=grace,ou=people,${base}`));
  let answer;
  do answer = await open(); while (answer.status === 200);
  assert.equal(new URL(answer.location).origin, `http://login-globex.localhost:${ports.globex}`);
  // Every worker refuses the session.
  for (let i = 0; i < 10; i += 1) assert.equal((await denied(open)).status, 302);
  const script = await denied(() => client.send(`${globex}/api`));
  assert.equal(script.status, 401);
});

test('no secret is in the log at log level trace', async () => {
  const client = new Client();
  const started = await client.open(`${acme}/`);
  const nonce = new URL(started.location).searchParams.get('nonce');
  const { url } = await client.signIn(started.location, 'ada', password('acme', 'ada'), isCallback);
  const login = [...client.jar.get('acme.localhost').values()];
  await client.open(url);
  // The loop counter is not secret.
  const session = [...client.jar.get('acme.localhost')].filter(([name]) => !name.endsWith('-redirect-loop')).map(([, value]) => value);
  const { searchParams } = new URL(url);
  const log = readFileSync(stack.log, 'utf8');
  assert.match(log, /login_finished tenant=acme/);
  for (const secret of [...stack.secrets, ...login, ...session, searchParams.get('code'), searchParams.get('state'), nonce]) {
    assert.ok(secret.length > 20);
    assert.equal(log.includes(secret), false);
  }
});
