/** Tier `browser`: an application that trusts headers, as docs/guides/application.md sets it up. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { parse } from 'yaml';

import { enter, LAUNCH } from './chromium.mjs';
import { TOP } from './envoy.mjs';
import { listedAccounts } from './people.mjs';
import { freePorts } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';
import { origin, startStack } from './stack.mjs';

const GUIDE = readFileSync(join(TOP, 'docs/guides/application.md'), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
let ports, stack, browser, context, page, acme, direct;

/** The code blocks of the guide in one language. */
const blocks = (language) => GUIDE.split(`\`\`\`${language}\n`).slice(1).map((rest) => rest.split('```')[0]);

/** The commands of the guide that begin with these words. */
function commands(words) {
  const found = blocks('console').flatMap((block) => block.split('\n')).filter((line) => line.startsWith(`$ ${words}`));
  assert.ok(found.length > 0, words);
  return found.map((line) => line.slice(2));
}

/** Does what steps 2 to 4 of the guide say, in `dir`, with another port. */
async function startApplication({ port }) {
  symlinkSync(join(TOP, 'target/venv'), join(dir, 'venv'));
  for (const command of commands('venv/bin/python3')) execFileSync('bash', ['-c', command], { cwd: dir });
  mkdirSync(join(dir, 'plugins'));
  writeFileSync(join(dir, 'plugins/gateway.py'), blocks('python')[0]);
  writeFileSync(join(dir, 'metadata.json'), blocks('json')[0]);
  const serve = commands('venv/bin/datasette serve')[0].replace('8083', port);
  const running = startProcess('bash', ['-c', `cd ${dir} && exec ${serve}`], { log: join(dir, 'datasette.log') });
  await waitFor(running, () => fetch(`${direct}/-/versions.json`));
  return running;
}

before(async () => {
  ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin']);
  acme = origin('acme', ports);
  direct = `http://127.0.0.1:${ports.upstream}`;
  const section = parse(blocks('yaml')[0]);
  const configure = (tenant) => (tenant.name === 'acme' ? { ...tenant, ...section } : tenant);
  stack = await startStack({ ports, dir, accounts: listedAccounts, configure, upstream: startApplication });
  browser = await chromium.launch(LAUNCH);
});

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

async function signIn(uid, path = '/') {
  await page.goto(acme + path);
  await enter(page, 'acme', uid);
  await page.waitForURL(acme + path);
}

/** The status of an address of the application, asked for by a page of it. */
const status = (path) => page.evaluate(async (address) => (await fetch(address)).status, path);

/** Whom the application takes the browser for. */
const actor = () => page.evaluate(async () => (await (await fetch('/-/actor.json')).json()).actor);

const databases = () => page.locator('h2 a').allInnerTexts();

/** How many requests Envoy has sent to the application. */
async function reached() {
  const stats = await fetch(`http://127.0.0.1:${ports.admin}/stats?filter=^cluster.upstream.upstream_rq_total$`);
  return Number(/: (\d+)/.exec(await stats.text())[1]);
}

test('the guide installs the version that is tested', () => {
  const [, version] = /pip install datasette==(\S+)/.exec(GUIDE);
  assert.equal(execFileSync(join(TOP, 'target/venv/bin/datasette'), ['--version'], { encoding: 'utf8' }).trim(), `datasette, version ${version}`);
  assert.ok(GUIDE.includes(`Datasette ${version} from PyPI`));
});

test('a member of the group is an administrator of the application', async () => {
  await signIn('ada');
  assert.deepEqual(await actor(), { id: 'acme/ada', tenant: 'acme', roles: ['admin'] });
  assert.deepEqual((await databases()).sort(), ['payroll', 'reports']);
  assert.deepEqual([await status('/payroll'), await status('/-/permissions')], [200, 200]);
});

test('another user is none, whatever headers the browser adds', async () => {
  await signIn('bob');
  const forged = { 'x-auth-request-user': 'ada', 'X-Auth-Request-Roles': 'admin', 'x-auth-request-tenant': 'globex' };
  for (const headers of [{}, forged]) {
    await context.setExtraHTTPHeaders(headers);
    await page.goto(acme);
    assert.deepEqual(await actor(), { id: 'acme/bob', tenant: 'acme', roles: [] });
    assert.deepEqual(await databases(), ['reports']);
    assert.deepEqual([await status('/reports'), await status('/payroll'), await status('/-/permissions')], [200, 403, 403]);
  }
});

test('headers without a session lead to the issuer', async () => {
  const before = await reached();
  await context.setExtraHTTPHeaders({ 'x-auth-request-user': 'ada', 'x-auth-request-tenant': 'acme', 'x-auth-request-roles': 'admin' });
  await page.goto(`${acme}/payroll`);
  assert.equal(new URL(page.url()).port, String(ports.acme));
  assert.equal(await reached(), before);
});

test('a user of another tenant is not served', async () => {
  await page.goto(origin('globex', ports));
  await enter(page, 'globex', 'grace');
  await page.waitForURL(`${origin('globex', ports)}/`);
  const before = await reached();
  assert.equal(await status('/'), 403);
  // The browser may ask for the icon of the site, too.
  assert.ok(await reached() > before, 'it is the application that refuses');
});

test('the sign-out of the menu ends the session', async () => {
  await signIn('ada');
  const thief = await browser.newContext({ storageState: await context.storageState() });
  const copy = await thief.newPage();
  await copy.goto(acme);
  const ask = () => copy.evaluate(async () => (await fetch('/payroll')).status);
  assert.equal(await ask(), 200);
  await page.locator('summary').click();
  await page.getByRole('link', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('User').waitFor();
  // Within a second, no worker accepts a copy of the cookie.
  const deadline = Date.now() + 10_000;
  while (await ask() !== 401) assert.ok(Date.now() < deadline, 'a copy of the cookie is still taken');
  const before = await reached();
  await page.goto(`${acme}/payroll`);
  await page.getByLabel('User').waitFor();
  assert.equal(await reached(), before);
  await thief.close();
});

test('whoever reaches the application without Envoy is whom they like', async () => {
  assert.equal((await fetch(`${direct}/payroll.json`)).status, 403);
  const [curl] = commands('curl').map((command) => command.replace('8083', ports.upstream));
  const headers = Object.fromEntries([...curl.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name, value]) => [name, value]));
  assert.equal((await fetch(`${direct}/payroll.json`, { headers })).status, 200);
});
