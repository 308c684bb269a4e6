/** Tier `provider`: Envoy and Glewlwyd, and what the upstream receives. */
import assert from 'node:assert/strict';

import { values } from './assertions.mjs';
import { startGlewlwyd } from './glewlwyd.mjs';
import { withProvider } from './one_provider.mjs';
import { people } from './people.mjs';

/** Groups as they come from an LDAP directory. */
const [ada, bob] = people.acme.map((person) => ({ ...person, groups: person.groups.map((name) => `cn=${name},ou=groups,dc=acme,dc=example`) }));

const acme = withProvider('Glewlwyd', {
  start: ({ site, client, ...server }) => startGlewlwyd({
    ...server, people: [ada, bob], client: { ...client, redirect_uri: [`${site}/oauth2/callback`], token_endpoint_auth_method: ['client_secret_basic'] },
  }),
  signIn: (glewlwyd, browser, page, person) => glewlwyd.signIn(browser, page, person),
  settings: { identity: { user: 'preferred_username', require_email_verified: false, group_common_name: true } },
});

acme.test('the groups of Glewlwyd, which are distinguished names, decide', async () => {
  const { client, seen } = await acme.signedIn(ada);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  assert.deepEqual(values(seen, 'x-auth-request-email'), ['ada@acme.example']);
  assert.deepEqual(values(seen, 'x-auth-request-groups').join().split(',').sort(), ['engineers', 'platform-admins']);
  await acme.received(() => client.open(`${acme.site}/admin/users`));

  const other = await acme.signedIn(bob);
  assert.deepEqual(values(other.seen, 'x-auth-request-groups'), ['engineers']);
  assert.equal((await acme.denied(() => other.client.open(`${acme.site}/admin/users`))).status, 403);
});

acme.test('a session is refreshed by answers of Glewlwyd, which have no ID token', async () => {
  const { client } = await acme.signedIn(bob);
  await acme.refreshed(client);
});

acme.test('after a sign-out Glewlwyd, which has no endpoint for it, is asked for credentials', async () => {
  const { client } = await acme.signedIn(ada);
  const copy = client.copy();
  const { status, body } = await acme.denied(() => client.open(`${acme.site}/oauth2/logout`));
  assert.equal(status, 200);
  assert.match(body, /You are signed out of this site\./);
  const { location } = await acme.denied(() => client.open(`${acme.site}/`));
  assert.equal(new URL(location).searchParams.get('prompt'), 'login');
  await acme.endsAtBothWorkers(() => copy.open(`${acme.site}/`), acme.provider.issuer);
});
