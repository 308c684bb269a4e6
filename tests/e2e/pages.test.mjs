/**
 * Tier `browser`: the pages of Tenantgate, for people with any eyes, screen and keyboard. Each kind
 * of page is checked by axe-core, at two widths, on light and dark screens. With
 * `TENANTGATE_SCREENSHOTS=DIR`, pictures of all of them are left there.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

import { LAUNCH, enter, signIn } from './chromium.mjs';
import { listedAccounts } from './people.mjs';
import { freePorts } from './ports.mjs';
import { startStack } from './stack.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = process.env.TENANTGATE_SCREENSHOTS;
const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
let stack, browser, port;

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40"><rect width="150" height="40" rx="8" fill="#b3003b"/><text x="20" y="27" font-family="sans-serif" font-size="20" fill="#fff">Initech</text></svg>';
const LOOK = {
  site_name: 'Initech Reports',
  contact: 'help@initech.example',
  logo: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`,
  colors: { light: { accent: '#b3003b', background: '#fffdf7' }, dark: { accent: '#ffb3c1', background: '#1d1216', text: '#f5e6ea' } },
};

/** The tenants, by the first label of their host. All have the provider of acme. */
const TENANTS = {
  acme: (tenant) => tenant,
  // A host on the same site as acme, whose pages make the browser send the session of acme.
  'beside.acme': (tenant) => tenant,
  initech: (tenant) => ({ ...tenant, pages: LOOK }),
  // What the provider does not accept, and what Tenantgate does not accept from it.
  'wrong-secret': (tenant) => ({ ...tenant, client_secret: 'not the secret of this client', pages: { contact: 'https://help.acme.example/sign-in' } }),
  'wrong-key': (tenant, other) => ({ ...tenant, keys: other.keys }),
  // A mistake of the configuration.
  broken: (tenant) => ({ ...tenant, client_secret: { env: 'NO_SUCH_VARIABLE' } }),
};

const at = (name) => `http://${name}.localhost:${port}`;

function configure(tenant, index, all) {
  if (tenant.name !== 'acme') return [];
  delete tenant.provider.end_session_endpoint;
  const access = [{ paths: ['/closed'], deny: true }, ...tenant.access];
  const named = (name) => ({
    ...tenant, access, name, hosts: [`${name}.localhost`],
    login: { redirect_uri: `${at(name)}/oauth2/callback`, frontchannel_logout_path: '/oauth2/frontchannel-logout' },
  });
  return Object.entries(TENANTS).map(([name, change]) => change(named(name), all.find((other) => other.name === 'globex')));
}

before(async () => {
  const ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin']);
  port = ports.gateway;
  const redirect_uris = Object.keys(TENANTS).map((name) => `${at(name)}/oauth2/callback`);
  stack = await startStack({ ports, dir, accounts: listedAccounts, register: (_, client) => ({ ...client, redirect_uris }), configure });
  browser = await chromium.launch(LAUNCH);
  if (pictures) mkdirSync(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Opens a page of `name` as a user who may not open /admin/. */
async function asBob(page, name, path) {
  await page.goto(`${at(name)}/`);
  await signIn(page, 'acme', 'bob');
  await page.goto(at(name) + path);
}

/** Begins a login, and answers in place of the provider, with this error. */
async function answerWith(page, name, error) {
  const asked = page.waitForRequest((request) => new URL(request.url()).pathname === '/auth');
  await page.goto(`${at(name)}/reports?q=1`);
  const state = new URL((await asked).url()).searchParams.get('state');
  await page.goto(`${at(name)}/oauth2/callback?${new URLSearchParams({ error, state })}`);
}

/** Lets a page of another origin send the browser to `url`. */
async function fromElsewhere(page, url, method) {
  await page.goto(`${at('beside.acme')}/healthz`);
  await page.evaluate(([action, how]) => {
    const form = Object.assign(document.createElement('form'), { action, method: how });
    document.body.append(form);
    form.submit();
  }, [url, method]);
  await page.waitForURL(`${url}**`);
}

/** Each kind of page: its heading, and how a browser gets there. */
const PAGES = {
  'access_denied': ['No access', (page) => asBob(page, 'acme', '/admin/users?page=2')],
  'access_denied, own look': ['No access', (page) => asBob(page, 'initech', '/admin/users?page=2')],
  'access_denied_to_all': ['No access', (page) => asBob(page, 'acme', '/closed')],
  'address_too_long': ['Address too long', (page) => page.goto(`${at('acme')}/${'long/'.repeat(600)}`)],
  'authorization_error, access_denied': ['Sign-in refused', (page) => answerWith(page, 'acme', 'access_denied')],
  'authorization_error, server_error': ['Sign-in unavailable', (page) => answerWith(page, 'acme', 'server_error')],
  'authorization_error, invalid_scope': ['Sign-in does not work', (page) => answerWith(page, 'initech', 'invalid_scope')],
  'cross_origin': ['Request refused', async (page) => {
    await asBob(page, 'acme', '/');
    await fromElsewhere(page, `${at('acme')}/reports`, 'post');
  }],
  'frontchannel_logout': ['Not signed out', (page) => page.goto(`${at('acme')}/oauth2/frontchannel-logout`)],
  'id_token_invalid': ['Sign-in failed', async (page) => {
    await page.goto(`${at('wrong-key')}/reports`);
    await enter(page, 'acme', 'ada');
  }],
  'logout_confirmation': ['Sign out?', (page) => fromElsewhere(page, `${at('acme')}/oauth2/logout`, 'get')],
  'path_ambiguous': ['Address not valid', (page) => page.goto(`${at('acme')}/reports;v=1`)],
  'redirect_loop': ['You keep being signed out', async (page) => {
    await page.context().addCookies([{ name: '__Host-tenantgate-redirect-loop', value: '3', url: at('acme').replace('http:', 'https:'), secure: true }]);
    await page.goto(`${at('acme')}/reports`);
  }],
  'signed_out': ['Signed out', async (page) => {
    await asBob(page, 'acme', '/');
    await page.goto(`${at('acme')}/oauth2/logout`);
  }],
  'signed_out, own look': ['Signed out', (page) => page.goto(`${at('initech')}/oauth2/logout`)],
  'state_unknown': ['Sign-in expired', (page) => page.goto(`${at('acme')}/oauth2/callback?code=forged&state=${'A'.repeat(43)}`)],
  'tenant_broken': ['Not available', (page) => page.goto(`${at('broken')}/`)],
  'token_response_invalid': ['Sign-in does not work', async (page) => {
    await page.goto(`${at('wrong-secret')}/reports`);
    await enter(page, 'acme', 'ada');
  }],
  'unauthenticated': ['Not signed in', (page) => fromElsewhere(page, `${at('acme')}/reports`, 'post')],
  'unknown_host': ['Not found', (page) => page.goto(`${at('nobody')}/`)],
};

const SCREENS = [390, 1280].flatMap((width) => ['light', 'dark'].map((scheme) => ({ width, scheme })));

/** The violations that axe-core finds, as text, and what it could not decide about colors. */
async function violations(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations, incomplete } = await window.axe.run(document, { rules: { 'target-size': { enabled: true } } });
    const found = [...violations, ...incomplete.filter(({ id }) => id.startsWith('color'))];
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(', ')}`);
  });
}

/** The ring around each element that the keyboard reaches: its width, and its contrast. */
async function rings(page) {
  const found = [];
  for (;;) {
    await page.keyboard.press('Tab');
    const ring = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body) return null;
      const luminance = (color) => {
        const [r, g, b] = color.match(/[\d.]+/g).map((channel) => channel / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const { outlineStyle, outlineWidth, outlineOffset, outlineColor } = getComputedStyle(element);
      const [a, b] = [outlineColor, getComputedStyle(document.body).backgroundColor].map(luminance);
      return { name: element.innerText, outlineStyle, width: parseFloat(outlineWidth), offset: parseFloat(outlineOffset), contrast: Math.max(a, b) / Math.min(a, b) };
    });
    if (ring === null || found.some(({ name }) => name === ring.name)) return found;
    found.push(ring);
  }
}

for (const [kind, [heading, open]] of Object.entries(PAGES)) {
  test(`the page of ${kind}`, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const problems = [];
    page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });
    await open(page);
    await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    const site = await page.locator('header').innerText() || await page.locator('header img').getAttribute('alt').catch(() => '');
    assert.equal(await page.title(), site ? `${heading} – ${site}` : heading);
    for (const { width, scheme } of SCREENS) {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme: scheme });
      const where = `${kind} at ${width}, ${scheme}`;
      assert.deepEqual(await violations(page), [], where);
      const { overflow, dark, loaded } = await page.evaluate(() => ({
        overflow: document.documentElement.scrollWidth - innerWidth,
        dark: /^rgb\((\d|[1-9]\d),/.test(getComputedStyle(document.body).backgroundColor),
        loaded: [...document.images].every((image) => image.naturalWidth > 0),
      }));
      assert.deepEqual({ overflow: Math.max(overflow, 0), dark, loaded }, { overflow: 0, dark: scheme === 'dark', loaded: true }, where);
      const found = await rings(page);
      assert.equal(found.length, await page.locator('a, button').count(), where);
      for (const { name, outlineStyle, width: ring, offset, contrast } of found) {
        assert.ok(outlineStyle === 'solid' && ring >= 2 && offset > 0 && contrast >= 3, `${where}: ${name} ${outlineStyle} ${ring} ${contrast}`);
      }
      if (pictures) await page.screenshot({ path: join(pictures, `${kind.replaceAll(/\W+/g, '-')}-${width}-${scheme}.png`) });
    }
    assert.deepEqual(problems, []);
    await context.close();
  });
}

test('a refused user signs in with another account and comes back', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await asBob(page, 'initech', '/admin/users?page=2&q=a%20b');
  assert.match(await page.locator('main').innerText(), /Signed in as\s+bob \(bob@acme.example\)\s+Site\s+Initech Reports/);
  assert.equal(await page.getByRole('link', { name: 'help@initech.example' }).getAttribute('href'), 'mailto:help@initech.example');
  await page.getByRole('button', { name: 'Sign in with another account' }).click();
  await page.getByLabel('User').waitFor();
  assert.deepEqual((await context.cookies(at('initech'))).filter(({ name }) => name.endsWith('-session')), []);
  await signIn(page, 'acme', 'ada');
  assert.equal(page.url(), `${at('initech')}/admin/users?page=2&q=a%20b`);
  assert.equal(await page.locator('#user').innerText(), 'ada');
  await context.close();
});

test('the way back to the start page', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await asBob(page, 'acme', '/closed');
  await page.getByRole('link', { name: 'Back to the start page' }).click();
  await page.locator('#user').waitFor();
  assert.equal(page.url(), `${at('acme')}/`);
  await context.close();
});
