/** Tier `control-planes`: what holds under every control plane, with its manifests. */
import assert from 'node:assert/strict';
import { test as nodeTest } from 'node:test';

import { eventually, naming, observe, values } from './assertions.mjs';
import { Client } from './client.mjs';
import { ISSUER, accessToken } from './control_planes.mjs';
import { people } from './people.mjs';

export const ACME = 'https://acme.example.com';
const GLOBEX = 'https://globex.example.com';
const [ada, bob] = people.acme;

/** A client with a session. */
export async function signedIn({ uid, password }) {
  const client = new Client();
  const answer = await client.signIn(`${ACME}/`, uid, password);
  assert.equal(answer.status, 200);
  return client;
}

/** Posts to the path of back-channel logout what gets 400 as soon as the filter has read it. */
export const postLogout = () => new Client().send(`${ACME}/oauth2/backchannel-logout`, { method: 'POST', form: { a: 'b' } });

/**
 * Registers the scenarios. `context()` gives `{surroundings, plane}` once they run. `plane.tenants`
 * are the tenants in the manifests, `plane.nameIssuer(name)` writes the name that the certificate
 * of the issuer has to be for, and `plane.apply()` applies the manifests. `plane.isTheSame()` fails
 * if Envoy was started again. `refusals` maps hostile spellings of a path to the status that a user
 * gets in the end. `hasBodies` says whether the filter gets the body of a request.
 */
export function scenarios({ context, logs, refusals, hasBodies }) {
  const test = (name, action) => nodeTest(name, naming(logs)(() => action({ ...context(), ...observe(context().surroundings) })));

  test('the first visit leads to the issuer, and the login to the application', async ({ received, denied }) => {
    const first = await denied(() => new Client().open(`${ACME}/reports?year=2026`));
    assert.equal(first.status, 302);
    assert.ok(first.location.startsWith(`${ISSUER}/auth?`), first.location);
    const seen = await received(() => new Client().signIn(`${ACME}/reports?year=2026`, ada.uid, ada.password));
    assert.equal(seen.path, '/reports?year=2026');
    for (const [name, value] of Object.entries({ user: 'ada', groups: 'engineers,platform-admins', roles: 'admin', tenant: 'acme' })) {
      assert.deepEqual(values(seen, `x-auth-request-${name}`), [value]);
    }
  });

  test('what a client writes into the identity headers does not arrive', async ({ received }) => {
    const client = await signedIn(bob);
    const seen = await received(() => client.open(`${ACME}/`, { 'x-auth-request-user': 'ada', 'x-auth-request-roles': 'admin' }));
    assert.deepEqual(values(seen, 'x-auth-request-user'), ['bob']);
    assert.deepEqual(values(seen, 'x-auth-request-roles'), []);
  });

  test('a bearer token', async ({ surroundings, received, denied }) => {
    const call = (token) => new Client().send(`${ACME}/orders`, { headers: { authorization: `Bearer ${token}` } });
    const token = await accessToken(surroundings);
    const seen = await received(() => call(token));
    assert.deepEqual(values(seen, 'x-auth-request-user'), ['robot']);
    assert.deepEqual(values(seen, 'x-auth-request-tenant'), ['acme']);
    const refused = await denied(() => call(token.replace(/\.[^.]+$/, '.AAAA')));
    assert.equal(refused.status, 401);
  });

  test('no spelling of a path passes an access rule', async ({ received, denied }) => {
    const admin = await signedIn(ada);
    assert.equal((await received(() => admin.open(`${ACME}/admin/x`))).path, '/admin/x');
    const client = await signedIn(bob);
    assert.equal((await denied(() => client.open(`${ACME}/admin/x`))).status, 403);
    const answers = {};
    // A gateway may redirect to another spelling, which a browser follows.
    for (const path of Object.keys(refusals)) answers[path] = (await denied(() => client.follow(`${ACME}${path}`))).status;
    assert.deepEqual(answers, refusals);
    await received(() => client.open(`${ACME}/x/admin`));
  });

  if (hasBodies) {
    test('a back-channel logout ends the session', async ({ received, denied }) => {
      assert.equal((await denied(postLogout)).status, 400);
      const [client, other] = [await signedIn(bob), await signedIn(bob)];
      await received(() => client.open(`${ACME}/`));
      const { body } = await client.open(`${ISSUER}/session/end`);
      const [, xsrf] = body.match(/name="xsrf" value="(\w+)"/);
      await client.send(`${ISSUER}/session/end/confirm`, { method: 'POST', form: { xsrf, logout: 'yes' } });
      await eventually(async () => (await client.open(`${ACME}/`)).status === 302);
      await denied(() => client.open(`${ACME}/`));
      await received(() => other.open(`${ACME}/`));
    });
  } else {
    test('a back-channel logout gets 408, since its body does not come', async ({ plane, denied }) => {
      plane.tenants[0].login = { backchannel_logout_path: '/oauth2/backchannel-logout' };
      plane.apply();
      await eventually(async () => (await denied(postLogout)).status === 408, 1);
    });
  }

  test('the certificate of the issuer has to be for its name', async ({ plane, denied }) => {
    const login = () => new Client().signIn(`${ACME}/`, ada.uid, ada.password);
    plane.nameIssuer('another.example');
    plane.apply();
    await eventually(async () => (await login()).status === 503, 1);
    await denied(login);
    plane.nameIssuer(new URL(ISSUER).hostname);
    plane.apply();
    await eventually(async () => (await login()).status === 200);
  });

  test('a change of the tenants takes effect while sessions go on', async ({ plane, received, denied }) => {
    const client = await signedIn(bob);
    assert.equal((await denied(() => client.open(`${ACME}/admin/x`))).status, 403);
    assert.notEqual((await denied(() => new Client().open(`${GLOBEX}/`))).status, 302);

    const [acme] = plane.tenants;
    plane.tenants.push({ ...structuredClone(acme), name: 'globex', hosts: ['globex.example.com'] });
    acme.access[0].allow = { groups: ['engineers'] };
    plane.apply();
    await eventually(async () => (await client.open(`${ACME}/admin/x`)).status === 200);
    const seen = await received(() => client.open(`${ACME}/admin/x`));
    assert.deepEqual(values(seen, 'x-auth-request-user'), ['bob']);
    await eventually(async () => (await new Client().open(`${GLOBEX}/`)).location?.startsWith(`${ISSUER}/auth?`));
    const visitor = await received(() => new Client().signIn(`${GLOBEX}/`, ada.uid, ada.password));
    assert.deepEqual(values(visitor, 'x-auth-request-tenant'), ['globex']);

    plane.tenants.pop();
    plane.apply();
    await eventually(async () => (await new Client().open(`${GLOBEX}/`)).location === undefined);
    await received(() => client.open(`${ACME}/`));
    plane.isTheSame();
  });
}
