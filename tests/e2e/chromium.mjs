/** Headless Chromium, and what a person does at the login page of the provider. */
import assert from 'node:assert/strict';

import { people } from './people.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** The options that start it. */
export const LAUNCH = { executablePath: process.env.TENANTGATE_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS };

/** Signs a person of `tenant` in at the login page of its provider. */
export async function enter(at, tenant, uid) {
  const { password } = people[tenant].find((p) => p.uid === uid);
  assert.equal(await at.locator('h1').innerText(), `Sign in to ${tenant}`);
  await at.getByLabel('User').fill(uid);
  await at.getByLabel('Password').fill(password);
  await at.getByRole('button', { name: 'Sign in' }).click();
}

/** The same, up to a page of the upstream. */
export async function signIn(at, tenant, uid) {
  await enter(at, tenant, uid);
  await at.locator('#user').waitFor();
}
