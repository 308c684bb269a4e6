/** Tier `provider`: the broken set-up of docs/guides/troubleshooting.md, and the commands there. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { linesIn, readGuide, startShell } from './guide.mjs';
import { listedAccounts, people } from './people.mjs';
import { DEFAULT_PORTS, freePorts } from './ports.mjs';
import { origin, startStack } from './stack.mjs';

const guide = readGuide('troubleshooting.md');
const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
let ports, stack, shell;
let requestId = 'none';

/** Everything that is changed of the guide: ports, and the request id that a user sends. */
const adapt = (text) => Object.entries(DEFAULT_PORTS)
  .reduce((changed, [name, port]) => changed.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), ports[name]), text)
  .replaceAll('REQUEST_ID', requestId);

before(async () => {
  ports = await freePorts(Object.keys(DEFAULT_PORTS));
  stack = await startStack({
    ports, dir, accounts: listedAccounts,
    register: (tenant, client) => ({ ...client, ...(tenant === 'acme' && { client_secret: 'another secret' }) }),
    configure: (tenant) => ({ ...tenant, ...(tenant.name === 'globex' && { client_secret: { env: 'GLOBEX_SECRET' } }) }),
  });
  const { sessionKey, clientSecrets } = JSON.parse(readFileSync(join(dir, 'secrets.json'), 'utf8'));
  writeFileSync(join(dir, 'secrets.env'), `TENANTGATE_SESSION_KEY=${sessionKey}\nACME_CLIENT_SECRET=${clientSecrets.acme}\nGLOBEX_CLIENT_SECRET=${clientSecrets.globex}\n`);
  symlinkSync(join(TOP, 'target/debug/tenantgate'), join(dir, 'tenantgate'));
  symlinkSync(join(TOP, 'target/venv/bin/envoy'), join(dir, 'envoy'));
  shell = startShell({ dir, adapt, env: { PATH: `${dir}:${process.env.PATH}` } });
});

after(async () => {
  shell?.stop();
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const [first, ...others] = Object.keys(guide);

test(`the guide, "${first}"`, async () => {
  const { uid, password } = people.acme[0];
  const { status, body } = await new Client().signIn(`${origin('acme', ports)}/`, uid, password);
  assert.equal(status, 503);
  assert.equal(stack.received.length, 0);
  for (const line of linesIn(guide, first)) assert.ok(body.includes(`>${line}<`), line);
  [, requestId] = body.match(/<code>([0-9a-f-]{36})<\/code>/);
  await shell.play(guide[first]);
});

for (const heading of others) {
  test(`the guide, "${heading}"`, async () => {
    await shell.play(guide[heading]);
    assert.equal(stack.received.length, 0);
  });
}
