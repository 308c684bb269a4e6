/**
 * Tier `dex`: what a change in the directory does to sessions. The scenarios `dex_*` in
 * tests/scenarios/refresh.rs play the same answers of dex.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { eventually, logged, values } from './assertions.mjs';
import { Client } from './client.mjs';
import { ldapConnector } from './dex.mjs';
import { dexStack } from './dex_stack.mjs';
import { formIn, signIn } from './forms.mjs';
import { startDirectory } from './slapd.mjs';
import { groupsIn } from './upstream.mjs';

const person = (uid, groups) => ({ uid, name: `${uid} Example`, mail: `${uid}@acme.example`, password: `password of ${uid}`, groups });
// dex keeps one refresh token for each user and client, so no two tests have the same user.
const [kim, lou, max, nan, ned, oli] = ['kim', 'lou', 'max', 'nan', 'ned', 'oli'].map((uid) => person(uid, ['engineers', 'platform-admins']));
// `groupOfNames` cannot be empty.
const pat = person('pat', ['platform-admins']);

const refresh = (max_stale) => ({
  login: { scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'] },
  refresh: { interval: '1s', max_stale },
});
let directory;
const stack = dexStack('dex-refresh', {
  // What ends at `patient` ends after the interval.
  tenants: { hooli: refresh('2s'), patient: refresh('1h') },
  async connectors({ ports, dir, stopLater }) {
    const users = [kim, lou, max, nan, ned, oli, pat];
    directory = stopLater(await startDirectory({ port: ports.ldap, dir: join(dir, 'ldap'), people: { acme: users } }));
    return [ldapConnector(directory, 'acme')];
  },
});
const { test, origin, signedIn } = stack;

const groups = async (open) => groupsIn(values(await stack.received(open), 'x-auth-request-groups')[0]).sort().join();
const [BEFORE, AFTER] = ['engineers,platform-admins', 'engineers'];
/** How often dex gave no decision about a refresh of this tenant. */
const failures = (tenant) => logged(stack.envoyLog, tenant).match(/^refresh_failed .*500/gm)?.length ?? 0;
const ends = (open) => stack.endsAtBothWorkers(open, stack.dex.issuer);

test('one browser: a group that was taken away is gone after the interval', async () => {
  const { open } = await signedIn('patient', kim);
  assert.equal(await groups(open), BEFORE);
  await directory.leave('acme', kim, 'platform-admins');
  await eventually(async () => (await groups(open)) === AFTER);
});

test('two browsers: a group that was taken away is gone from both after the interval', async () => {
  const first = await signedIn('patient', lou);
  const second = await signedIn('patient', lou);
  await directory.leave('acme', lou, 'platform-admins');
  // dex gave the refresh token to the second browser, and rejects that of the first one.
  await ends(first.open);
  assert.match(logged(stack.envoyLog, 'patient'), /^refresh_rejected .*invalid_request.*claimed by another client/m);
  await eventually(async () => (await groups(second.open)) === AFTER);

  // The next login of the first browser has the new groups, and ends the session of the second one.
  assert.equal(await groups(() => signIn(first.client, `${origin('patient')}/`, lou)), AFTER);
  await ends(second.open);
  await eventually(async () => (await groups(first.open)) === AFTER);
});

test('one browser: a person who was removed is out after `max_stale`', async () => {
  const { open, client } = await signedIn('hooli', max);
  await directory.remove('acme', max);
  await ends(open);
  // dex does not say that the person is gone.
  assert.ok(failures('hooli') > 0);
  assert.doesNotMatch(logged(stack.envoyLog, 'hooli'), /^refresh_rejected /m);
  await stack.denied(() => assert.rejects(signIn(client, `${origin('hooli')}/`, max), /Invalid/));
});

test('two browsers: a person who was removed is out of the first after the interval, of the second after `max_stale`', async () => {
  for (const [tenant, user, isLong] of [['hooli', nan, false], ['patient', ned, true]]) {
    const [first, second] = [await signedIn(tenant, user), await signedIn(tenant, user)];
    const before = failures(tenant);
    await directory.remove('acme', user);
    await ends(first.open);
    if (isLong) {
      // Nothing but `max_stale` ends the session whose refresh token is the last one.
      await eventually(async () => (await groups(second.open)) === BEFORE && failures(tenant) > before, 1);
    } else {
      await ends(second.open);
      assert.ok(failures(tenant) > before);
    }
  }
});

test('while the directory is away, sessions go on until `max_stale`', async () => {
  const [short, long] = [await signedIn('hooli', oli), await signedIn('patient', pat)];
  const before = failures('patient');
  await directory.stop();
  await ends(short.open);
  await eventually(async () => (await groups(long.open)) === 'platform-admins' && failures('patient') > before, 1);
  assert.equal(await groups(long.open), 'platform-admins');
  const answer = await stack.denied(() => new Client().follow(`${origin('patient')}/`));
  const { action, fields } = formIn(answer);
  const { status, location } = await stack.denied(() => new Client().send(action, { method: 'POST', form: fields.set('login', pat.uid).set('password', pat.password) }));
  assert.deepEqual({ status, location }, { status: 500, location: undefined });

  await directory.start();
  assert.equal(await groups(() => signIn(short.client, `${origin('hooli')}/`, oli)), BEFORE);
});
