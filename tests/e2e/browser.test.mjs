/** What a person does, in a real browser: headless Chromium, real Envoy, real OpenID Providers. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';

import { listedAccounts, people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { origin, startStack } from './stack.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const LAUNCH = { executablePath: process.env.TENANTGATE_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS };
const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
/** A host of the issuer's own site, which is a tenant of its own at the same issuer. */
const SAME_SITE = 'app.login-acme.localhost';
let stack, browser, context, page, acme, globex, beside, issuer;

before(async () => {
  const ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin']);
  [acme, globex] = ['acme', 'globex'].map((tenant) => origin(tenant, ports));
  [beside, issuer] = [`http://${SAME_SITE}:${ports.gateway}`, `http://login-acme.localhost:${ports.acme}`];
  stack = await startStack({ ports, dir, accounts: listedAccounts, register, configure });
  browser = await chromium.launch(LAUNCH);
});

function register(tenant, client) {
  return tenant === 'acme' ? { ...client, redirect_uris: [...client.redirect_uris, `${beside}/oauth2/callback`] } : client;
}

function configure(tenant) {
  if (tenant.name !== 'acme') return tenant;
  const framed = { ...tenant, headers: { id_token: 'x-id-token' }, login: { ...tenant.login, frontchannel_logout_path: '/oauth2/frontchannel-logout' } };
  return [framed, { ...framed, name: 'beside', hosts: [SAME_SITE], login: { ...framed.login, redirect_uri: `${beside}/oauth2/callback` } }];
}

after(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
});

afterEach(() => context.close());

async function signIn(at, tenant, uid) {
  const { password } = people[tenant].find((p) => p.uid === uid);
  assert.equal(await at.locator('h1').innerText(), `Sign in to ${tenant}`);
  await at.getByLabel('User').fill(uid);
  await at.getByLabel('Password').fill(password);
  await at.getByRole('button', { name: 'Sign in' }).click();
  await at.locator('#user').waitFor();
}

const shown = async (at, id) => at.locator(`#${id}`).innerText();
const groups = async (at) => at.locator('#groups li').allInnerTexts();
const sessions = async (url) => (await context.cookies(url)).filter(({ name }) => name.endsWith('tenantgate-session'));

test('a deep link, a sign-in, and the page that was asked for', async () => {
  await page.goto(`${acme}/reports/q3?year=2026`);
  await signIn(page, 'acme', 'ada');
  assert.equal(page.url(), `${acme}/reports/q3?year=2026`);
  assert.equal(await shown(page, 'user'), 'ada');
  assert.equal(await shown(page, 'tenant'), 'acme');
  assert.deepEqual(await groups(page), ['engineers', 'platform-admins']);

  const cookies = await context.cookies(acme);
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ['__Host-tenantgate-redirect-loop', '__Host-tenantgate-session'], 'the cookie of the login is gone');
  const session = cookies.find((cookie) => cookie.name.endsWith('-session'));
  const { name, secure, httpOnly, sameSite, domain, path } = session;
  assert.deepEqual({ name, secure, httpOnly, sameSite, domain, path }, {
    name: '__Host-tenantgate-session', secure: true, httpOnly: true, sameSite: 'Lax', domain: 'acme.localhost', path: '/',
  });
});

test('each tenant asks for itself, and signing out of one leaves the other', async () => {
  await page.goto(acme);
  await signIn(page, 'acme', 'ada');
  await page.goto(`${globex}/inbox`);
  await signIn(page, 'globex', 'grace');
  assert.equal(page.url(), `${globex}/inbox`);
  assert.deepEqual(await groups(page), ['accounting', 'R&D, Zürich']);
  await page.goto(acme);
  assert.equal(await shown(page, 'user'), 'ada');

  await page.getByRole('link', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  // The provider leads back to the start page, which asks again.
  await page.getByLabel('User').waitFor();
  assert.deepEqual(await sessions(acme), []);
  await page.goto(globex);
  assert.equal(await shown(page, 'user'), 'grace');
});

test('a wrong password keeps the person at the provider', async () => {
  await page.goto(acme);
  await page.getByLabel('User').fill('ada');
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  assert.deepEqual(await sessions(acme), []);
  await signIn(page, 'acme', 'ada');
});

test('ten tabs that were opened signed out all get to their page, in any order', async () => {
  const tabs = await Promise.all(Array.from({ length: 10 }, () => context.newPage()));
  await Promise.all(tabs.map((tab, number) => tab.goto(`${acme}/tab/${number}`)));
  const open = new Map(tabs.entries());
  for (const number of [7, 2, 9, 4, 0, 5, 1, 8, 3, 6]) {
    await signIn(open.get(number), 'acme', 'ada');
    assert.equal(open.get(number).url(), `${acme}/tab/${number}`);
  }
  assert.deepEqual((await context.cookies(acme)).filter(({ name }) => name.includes('-login-')), []);
});

test('back to the sign-in after it is done: whoever is signed in goes on', async () => {
  await page.goto(`${acme}/page`);
  const callback = page.waitForRequest((request) => request.url().includes('/oauth2/callback'));
  await signIn(page, 'acme', 'ada');
  await page.goto((await callback).url());
  assert.equal(page.url(), `${acme}/`);
  assert.equal(await shown(page, 'user'), 'ada');
});

test('a browser that drops the session is told, instead of being sent round', async () => {
  // As a browser does that does not keep the cookie, for whatever reason. Only the protocol of the browser shows each request of a chain.
  const chromium = await context.newCDPSession(page);
  chromium.on('Fetch.requestPaused', async ({ requestId }) => {
    await context.clearCookies({ name: '__Host-tenantgate-session' });
    await chromium.send('Fetch.continueRequest', { requestId });
  });
  await chromium.send('Fetch.enable', { patterns: [{ urlPattern: `${acme}/*` }] });
  await page.goto(`${acme}/page`);
  await page.getByLabel('User').fill('ada');
  await page.getByLabel('Password').fill(people.acme.find(({ uid }) => uid === 'ada').password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'You keep being signed out' }).waitFor();
  await chromium.send('Fetch.disable');
  await page.getByRole('link', { name: 'Try again' }).click();
  await page.locator('#user').waitFor();
  assert.equal(page.url(), `${acme}/page`);
});

test('a script on the page is told 401 when the session is gone', async () => {
  await page.goto(acme);
  await signIn(page, 'acme', 'ada');
  const status = () => page.evaluate(async () => (await fetch('/api')).status);
  assert.equal(await status(), 200);
  await context.clearCookies({ domain: 'acme.localhost' });
  assert.equal(await status(), 401);
  assert.deepEqual(await context.cookies(acme), []);
});

test('the way back without its cookie ends on a page that says so', async () => {
  await page.goto(`${acme}/oauth2/callback?code=forged&state=${'A'.repeat(43)}`);
  assert.equal(await page.locator('h1').innerText(), 'Sign-in expired');
  assert.match(await page.locator('main').innerText(), /Request id: \S+/);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signIn(page, 'acme', 'bob');
});

/** The address that the issuer loads in a frame to end the session of the last request that the upstream received. */
function frameOf(at) {
  const token = stack.received.at(-1).headers.find(([name]) => name === 'x-id-token')[1];
  const { iss, sid } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.ok(iss === issuer && sid);
  return `${at}/oauth2/frontchannel-logout?${new URLSearchParams({ iss, sid })}`;
}

/** What a script on the page that `tab` shows is told, and whether the upstream saw it ask. */
async function ask(tab) {
  const before = stack.received.length;
  const status = await tab.evaluate(async () => (await fetch('/api')).status);
  return { status, seen: stack.received.length > before };
}

const OVER = { status: 401, seen: false };
const GOES_ON = { status: 200, seen: true };

/** Signs in at a page of `at`: the tab that shows it, and the address of the frame that ends this session. */
async function signedIn(at) {
  const tab = await context.newPage();
  await tab.goto(`${at}/page`);
  await signIn(tab, 'acme', 'ada');
  return { tab, frame: frameOf(at) };
}

const signedOut = (frame) => `${issuer}/signed-out?${new URLSearchParams({ frame })}`;

test('the issuer ends a session in a frame of its page, if it is on the same site', async () => {
  const { tab, frame } = await signedIn(beside);
  const thief = await browser.newContext({ storageState: await context.storageState() });
  const copy = await thief.newPage();
  await copy.goto(`${beside}/page`);
  assert.deepEqual([await ask(tab), await ask(copy)], [GOES_ON, GOES_ON]);
  await page.goto(signedOut(frame));
  await page.frameLocator('iframe').getByRole('heading', { name: 'Signed out', exact: true }).waitFor();
  assert.deepEqual(await sessions(beside), []);
  assert.deepEqual(await ask(tab), OVER);
  // Not only because the cookie is gone: within a second no worker takes a copy of it.
  const deadline = Date.now() + 10_000;
  while ((await ask(copy)).seen) assert.ok(Date.now() < deadline, 'a copy of the cookie is still taken');
  await thief.close();
});

test('across sites that frame ends nothing, even where the browser lets cookies of other sites come along', async () => {
  // Otherwise it is not `SameSite` that keeps ours away: by default Chromium sends none at all.
  await context.close();
  const profile = join(dir, 'profile');
  mkdirSync(join(profile, 'Default'), { recursive: true });
  writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify({ profile: { cookie_controls_mode: 0 } }));
  context = await chromium.launchPersistentContext(profile, LAUNCH);
  page = await context.newPage();
  const { tab, frame } = await signedIn(acme);
  await context.addCookies([{ name: 'other', value: 'yes', domain: 'acme.localhost', path: '/', secure: true, sameSite: 'None' }]);

  const asked = page.waitForRequest((request) => request.url() === frame);
  await page.goto(signedOut(frame));
  await page.frameLocator('iframe').getByRole('heading', { name: 'Not signed out' }).waitFor();
  assert.equal((await (await asked).allHeaders()).cookie, 'other=yes');
  assert.equal((await sessions(acme)).length, 1);
  assert.deepEqual(await ask(tab), GOES_ON);
  // The very same address where the cookie does come along.
  await page.goto(frame);
  await page.getByRole('heading', { name: 'Signed out', exact: true }).waitFor();
  assert.deepEqual(await ask(tab), OVER);
});

test('another site can bring up the question, and the person answers it', async () => {
  await page.goto(acme);
  await signIn(page, 'acme', 'ada');
  await page.goto(globex);
  await signIn(page, 'globex', 'grace');
  await page.evaluate((url) => { location.href = url; }, `${acme}/oauth2/logout`);
  await page.getByRole('heading', { name: 'Sign out?' }).waitFor();
  assert.equal((await sessions(acme)).length, 1);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign out of acme?' }).waitFor();
  assert.deepEqual(await sessions(acme), []);
});
