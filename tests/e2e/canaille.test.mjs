/** Tier `provider`: Envoy and Canaille, and what the upstream receives. */
import assert from 'node:assert/strict';

import { values } from './assertions.mjs';
import { startCanaille } from './canaille.mjs';
import { signIn } from './forms.mjs';
import { withProvider } from './one_provider.mjs';
import { people } from './people.mjs';

// Each signs in once: Canaille gives a user no second token within a second (`UNIQUE constraint`).
const [ada, bob, linus, grace] = [...people.acme, ...['linus', 'grace'].map((uid) => ({ ...people.acme[1], uid, mail: `${uid}@acme.example` }))];

const acme = withProvider('Canaille', {
  start: ({ site, client, ...server }) => startCanaille({
    ...server, people: [ada, bob, linus, grace],
    client: {
      ...client, redirect_uris: [`${site}/oauth2/callback`], post_logout_redirect_uris: [`${site}/`],
      token_endpoint_auth_method: 'client_secret_basic', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      scope: ['openid', 'profile', 'email', 'groups'],
    },
  }),
  signIn: (_, browser, page, person) => signIn(browser, page, person),
});

acme.test('the groups of Canaille decide, with the default scopes', async () => {
  const { client, seen } = await acme.signedIn(ada);
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  // Canaille does not say that it has verified the address.
  assert.deepEqual(values(seen, 'x-auth-request-email'), []);
  assert.deepEqual(values(seen, 'x-auth-request-groups').join().split(',').sort(), ['engineers', 'platform-admins']);
  await acme.received(() => client.open(`${acme.site}/admin/users`));

  const other = await acme.signedIn(bob);
  assert.deepEqual(values(other.seen, 'x-auth-request-groups'), ['engineers']);
  assert.equal((await acme.denied(() => other.client.open(`${acme.site}/admin/users`))).status, 403);
  assert.match(acme.log(), /^access_denied .*"\/admin\/users": it allows users with group "platform-admins"; the user has 1 group$/m);
});

acme.test('a sign-out ends the session at Canaille, too', async () => {
  const { client } = await acme.signedIn(linus);
  const copy = client.copy();
  const { location } = await acme.denied(() => client.open(`${acme.site}/oauth2/logout`));
  assert.ok(location.startsWith(`${acme.provider.issuer}/oauth/end_session?`), location);
  await acme.endsAtBothWorkers(() => copy.open(`${acme.site}/`), acme.provider.issuer);
});

acme.test('a session is refreshed by answers of Canaille, which have no ID token', async () => {
  const { client } = await acme.signedIn(grace);
  await acme.refreshed(client);
});
