/** Tier `dex`: Envoy, and dex in front of a SAML identity provider, which Keycloak is. */
import assert from 'node:assert/strict';
import { parse } from 'yaml';

import { identityHeaders, logged, values } from './assertions.mjs';
import { Client } from './client.mjs';
import { samlConnector } from './dex.mjs';
import { dexStack } from './dex_stack.mjs';
import { signIn, unescape } from './forms.mjs';
import { expectLines, fileIn, linesIn, readGuide } from './guide.mjs';
import { samlClient, startKeycloak } from './keycloak.mjs';

const person = (uid, groups) => ({ uid, name: `${uid} Example`, mail: `${uid}@partner.example`, password: `password of ${uid}`, groups });
const [edsger, tony, alan] = [person('edsger', ['auditors', 'others']), person('tony', ['others']), person('alan', ['others'])];
/** Whoever signs in like this is signed in at the identity provider already. */
const NOBODY = { uid: 'nobody', password: 'none' };
/** The tenant of the guide. Its addresses are those of all tenants here. */
const guide = readGuide('dex-saml.md');
const { identity, access, login: guided } = parse(fileIn(guide, '3. Write the tenant', 'tenants.yaml')).tenants[0];
const login = { ...guided, scopes: [...guided.scopes, 'offline_access'] };
let keycloak;
const stack = dexStack('dex-saml', {
  tenants: {
    initech: { identity, access, login: guided },
    hooli: { identity, login, refresh: { interval: '1s' } },
    vandelay: { identity, login, refresh: { interval: '1s', without_token: 'keep' } },
    // No `connector_id`: dex lists its connectors.
    piper: {},
  },
  async connectors({ ports, dir, log, issuer, stopLater }) {
    const values = { GATEWAY: ports.gateway, SECRET: stack.secret };
    keycloak = stopLater(await startKeycloak({ port: ports.keycloak, dir, log, hosts: [], values, people: { partner: [edsger, tony, alan] } }));
    const provider = await samlClient(keycloak, 'partner', { entityId: issuer, acs: `${issuer}/callback` });
    return [samlConnector(issuer, provider), { type: 'mockCallback', id: 'mock', name: 'Example' }];
  },
});
const { test, origin, signedIn } = stack;

const user = ({ uid }) => keycloak.user('partner', uid);
const disable = async (person) => {
  const found = await user(person);
  await keycloak.admin('PUT', `/partner/users/${found.id}`, { ...found, enabled: false });
};
const leave = async (person, group) => {
  const path = `/partner/users/${(await user(person)).id}/groups`;
  const { id } = (await keycloak.admin('GET', path)).find(({ name }) => name === group);
  await keycloak.admin('DELETE', `${path}/${id}`);
};

test('attributes of the assertion are the address and the groups, which rules use', async () => {
  const client = new Client();
  const page = '/books/2026?month=11';
  const seen = await stack.received(() => signIn(client, origin('initech') + page, edsger));
  assert.equal(seen.path, page);
  assert.deepEqual(identityHeaders(seen), linesIn(guide, '4. Check, and sign in'));

  const other = await signedIn('initech', tony);
  assert.deepEqual(values(other.seen, 'x-auth-request-user'), ['tony@partner.example']);
  assert.equal((await stack.denied(() => other.client.open(origin('initech') + page))).status, 403);
});

test('without a refresh token, a session ends after the interval, and the next login has the new groups', async () => {
  const { client, open, seen } = await signedIn('hooli', edsger);
  assert.deepEqual(values(seen, 'x-auth-request-groups'), ['auditors,others']);
  expectLines('the log', logged(stack.envoyLog, 'hooli'), linesIn(guide, '5. How long groups count').map((line) => line.replace('initech', 'hooli')));
  await leave(edsger, 'others');
  await stack.endsAtBothWorkers(open, stack.dex.issuer);
  const next = await stack.received(() => signIn(client, `${origin('hooli')}/`, NOBODY));
  assert.deepEqual(values(next, 'x-auth-request-groups'), ['auditors']);

  await disable(edsger);
  await stack.endsAtBothWorkers(open, stack.dex.issuer);
  await stack.denied(() => assert.rejects(signIn(client, `${origin('hooli')}/`, edsger)));
});

test('`without_token: keep` keeps the groups of the login', async () => {
  const { open } = await signedIn('vandelay', tony);
  const short = await signedIn('hooli', tony);
  await leave(tony, 'others');
  await stack.endsAtBothWorkers(short.open, stack.dex.issuer);
  for (const { status } of await stack.gateway.atBothWorkers(open)) assert.equal(status, 200);
  assert.deepEqual(values(await stack.received(open), 'x-auth-request-groups'), ['others']);
  assert.doesNotMatch(logged(stack.envoyLog, 'vandelay'), /^refresh_/m);
});

test('after a sign-out here, the identity provider does not ask again', async () => {
  const { client, open } = await signedIn('initech', alan);
  await stack.denied(() => client.open(`${origin('initech')}/oauth2/logout`));
  // dex passes `prompt` on to no SAML identity provider.
  assert.equal(new URL((await stack.denied(open)).location).searchParams.get('prompt'), 'login');
  const seen = await stack.received(() => signIn(client, `${origin('initech')}/`, NOBODY));
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['alan@partner.example']);
});

test('without `connector_id`, dex lists its connectors', async () => {
  const client = new Client();
  const list = await stack.denied(() => client.follow(`${origin('piper')}/`));
  const [saml] = list.body.match(/\/auth\/saml\?[^"]*/);
  assert.match(list.body, /\/auth\/mock\?/);
  // The SAML connector gives no `preferred_username`, which names the users of this tenant.
  const answer = await stack.denied(() => signIn(client, new URL(unescape(saml), list.url).href, alan));
  assert.equal(new URL(answer.url).pathname, '/oauth2/callback');
  assert.equal(answer.status, 403);
  expectLines('the log', logged(stack.envoyLog, 'piper'), linesIn(guide, '3. Write the tenant').map((line) => line.replace('initech', 'piper')));
});
