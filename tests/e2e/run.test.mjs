/** Tier `run`: `./build.sh run`, its output, its processes, and its end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { people } from './people.mjs';
import { busy, portsFrom } from './ports.mjs';
import { Client } from './client.mjs';

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url));

/** Starts `run.mjs` on `port`. Collects its output. */
function run(port) {
  const child = spawn(process.execPath, [RUN, '--port', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const running = { child, output: '', ended: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { running.output += text; });
  return running;
}

/** Waits until `running` has printed `words`. Fails if it ends before. */
async function printed(running, words) {
  while (!running.output.includes(words)) {
    const ended = await Promise.race([running.ended, once(running.child.stdout, 'data')]);
    assert.equal(running.child.exitCode, null, `${ended}: ${running.output}`);
  }
}

/** A free port with four free ports after it. */
async function freeRow() {
  for (let port = 13_000 + (process.pid % 1000) * 8; ; port += 5) {
    if ((await busy(portsFrom(port))).length === 0) return port;
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`run serves, prints the accounts, and ends with ${signal}`, async () => {
    const port = await freeRow();
    const running = run(port);
    try {
      await printed(running, 'Ctrl-C stops everything.');
      for (const tenant of ['acme', 'globex']) {
        assert.ok(running.output.includes(`http://${tenant}.localhost:${port}/`), running.output);
        const { uid, password, groups } = people[tenant][0];
        for (const word of [uid, password, ...groups]) assert.ok(running.output.includes(word), word);
        const answer = await new Client().signIn(`http://${tenant}.localhost:${port}/page`, uid, password);
        assert.equal(answer.status, 200);
      }
    } finally {
      running.child.kill(signal);
    }
    await running.ended;
    assert.equal(running.child.exitCode, 0, running.output);
    assert.deepEqual(await busy(portsFrom(port)), []);
  });
}

test('run names a busy port, and the option for another', async () => {
  const port = await freeRow();
  const other = createServer().listen(port + 1, '127.0.0.1');
  await once(other, 'listening');
  const running = run(port);
  await running.ended;
  other.close();
  assert.equal(running.child.exitCode, 1);
  assert.match(running.output, new RegExp(`in use by another program: port ${port + 1} \\(for acme's provider\\)`));
  assert.match(running.output, /choose other ports with: \.\/build\.sh run --port N/);
});
