/** Tier `browser`: headless Chromium, Envoy, and `oidc-provider`. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';

import { LAUNCH, signIn } from './chromium.mjs';
import { listedAccounts, people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { origin, startStack } from './stack.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
/** A host on the same site as the issuer. It has its own tenant at the same issuer. */
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

const shown = async (at, id) => at.locator(`#${id}`).innerText();
const groups = async (at) => at.locator('#groups li').allInnerTexts();
const sessions = async (url) => (await context.cookies(url)).filter(({ name }) => name.endsWith('tenantgate-session'));

test('a deep link leads through the login to the requested page', async () => {
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

/** Gives the form of the login page an address, as the forms of most issuers have. */
const nameAddress = () => page.evaluate(() => document.forms[0].setAttribute('action', location.pathname));

test('a fragment comes through a login in which the issuer shows no page', async () => {
  await page.goto(acme);
  await signIn(page, 'acme', 'ada');
  // The session of the issuer stays.
  await context.clearCookies({ domain: 'acme.localhost' });
  await page.goto('about:blank');
  const asked = page.waitForRequest((request) => request.url().includes('/oauth2/callback'));
  await page.goto(`${acme}/guide?v=2#chapter-3`);
  await asked;
  assert.equal(page.url(), `${acme}/guide?v=2#chapter-3`);
  assert.equal(await shown(page, 'page'), 'GET /guide?v=2');
});

test('a fragment comes through a page of the issuer whose form names no address, and through no other', async () => {
  for (const [prepare, fragment] of [[async () => {}, '#chapter-3'], [nameAddress, '']]) {
    await context.clearCookies();
    await page.goto('about:blank');
    await page.goto(`${acme}/guide#chapter-3`);
    // The issuer can see it.
    assert.equal(new URL(page.url()).origin, issuer);
    assert.equal(new URL(page.url()).hash, '#chapter-3');
    await prepare();
    await signIn(page, 'acme', 'ada');
    assert.equal(page.url(), `${acme}/guide${fragment}`);
  }
});

test('the script of a page keeps its fragment with a login that it begins', async () => {
  await page.goto(`${acme}/app`);
  await signIn(page, 'acme', 'ada');
  await page.evaluate(() => { location.hash = '#/users/7?tab=b'; });
  await context.clearCookies();
  const status = await page.evaluate(async (iss) => {
    const answer = await fetch('/api');
    if (answer.status === 401) location.href = `/oauth2/login?${new URLSearchParams({ iss, target_link_uri: location.href })}`;
    return answer.status;
  }, issuer);
  assert.equal(status, 401);
  await page.getByLabel('User').waitFor();
  await nameAddress();
  await signIn(page, 'acme', 'ada');
  assert.equal(page.url(), `${acme}/app#/users/7?tab=b`);
});

test('each tenant has its own login and logout', async () => {
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
  // The provider redirects to the start page, which starts a new login.
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

test('ten tabs without a session all get to their page, in any order', async () => {
  const tabs = await Promise.all(Array.from({ length: 10 }, () => context.newPage()));
  await Promise.all(tabs.map((tab, number) => tab.goto(`${acme}/tab/${number}`)));
  const open = new Map(tabs.entries());
  for (const number of [7, 2, 9, 4, 0, 5, 1, 8, 3, 6]) {
    await signIn(open.get(number), 'acme', 'ada');
    assert.equal(open.get(number).url(), `${acme}/tab/${number}`);
  }
  assert.deepEqual((await context.cookies(acme)).filter(({ name }) => name.includes('-login-')), []);
});

test('the callback of a finished login keeps the session', async () => {
  await page.goto(`${acme}/page`);
  const callback = page.waitForRequest((request) => request.url().includes('/oauth2/callback'));
  await signIn(page, 'acme', 'ada');
  await page.goto((await callback).url());
  assert.equal(page.url(), `${acme}/`);
  assert.equal(await shown(page, 'user'), 'ada');
});

test('a redirect loop ends on an error page', async () => {
  // Drops the session cookie before each request. Only the DevTools protocol intercepts the
  // requests of a redirect chain.
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

test('a script gets 401 when the session is gone', async () => {
  await page.goto(acme);
  await signIn(page, 'acme', 'ada');
  const status = () => page.evaluate(async () => (await fetch('/api')).status);
  assert.equal(await status(), 200);
  await context.clearCookies({ domain: 'acme.localhost' });
  assert.equal(await status(), 401);
  assert.deepEqual(await context.cookies(acme), []);
});

test('a callback without its cookie ends on an error page', async () => {
  await page.goto(`${acme}/oauth2/callback?code=forged&state=${'A'.repeat(43)}`);
  assert.equal(await page.locator('h1').innerText(), 'Sign-in expired');
  assert.match(await page.locator('footer').innerText(), /Request id\s+\S+/);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signIn(page, 'acme', 'bob');
});

/**
 * The URL of the frame that ends a session: the session of the last request that the upstream
 * received.
 */
function frameOf(at) {
  const token = stack.received.at(-1).headers.find(([name]) => name === 'x-id-token')[1];
  const { iss, sid } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.ok(iss === issuer && sid);
  return `${at}/oauth2/frontchannel-logout?${new URLSearchParams({ iss, sid })}`;
}

/** Sends a request from the page in `tab`: its status, and whether the upstream received it. */
async function ask(tab) {
  const before = stack.received.length;
  const status = await tab.evaluate(async () => (await fetch('/api')).status);
  return { status, seen: stack.received.length > before };
}

const OVER = { status: 401, seen: false };
const GOES_ON = { status: 200, seen: true };

/** Signs in at `at`: the tab, and the URL of the frame that ends this session. */
async function signedIn(at) {
  const tab = await context.newPage();
  await tab.goto(`${at}/page`);
  await signIn(tab, 'acme', 'ada');
  return { tab, frame: frameOf(at) };
}

const signedOut = (frame) => `${issuer}/signed-out?${new URLSearchParams({ frame })}`;

test('front-channel logout ends a session on the same site', async () => {
  const { tab, frame } = await signedIn(beside);
  const thief = await browser.newContext({ storageState: await context.storageState() });
  const copy = await thief.newPage();
  await copy.goto(`${beside}/page`);
  assert.deepEqual([await ask(tab), await ask(copy)], [GOES_ON, GOES_ON]);
  await page.goto(signedOut(frame));
  await page.frameLocator('iframe').getByRole('heading', { name: 'Signed out', exact: true }).waitFor();
  assert.deepEqual(await sessions(beside), []);
  assert.deepEqual(await ask(tab), OVER);
  // The session itself has ended: within a second, no worker accepts a copy of the cookie.
  const deadline = Date.now() + 10_000;
  while ((await ask(copy)).seen) assert.ok(Date.now() < deadline, 'a copy of the cookie is still taken');
  await thief.close();
});

test('front-channel logout across sites ends nothing, even with third-party cookies allowed', async () => {
  // By default Chromium blocks all third-party cookies, which would hide the effect of `SameSite`.
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
  // The same URL, in a request that has the cookie.
  await page.goto(frame);
  await page.getByRole('heading', { name: 'Signed out', exact: true }).waitFor();
  assert.deepEqual(await ask(tab), OVER);
});

test('another site can only ask for a logout', async () => {
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
