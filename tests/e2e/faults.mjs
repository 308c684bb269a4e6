/**
 * `./build.sh faults`: what Envoy with Tenantgate does while something is broken. Traffic of two
 * tenants passes meanwhile: sessions, bearer tokens, logins, and requests that nothing may forward.
 *
 * For each fault: how many requests were sent, how they were answered, how many reached the
 * upstream with another identity than their sender's (leaked), how many requests with a session or a
 * token were refused (lost), and how many of those had no answer but 5xx (unserved). `--quick` has fewer resets and
 * shorter faults, `--only TEXT` runs the rows with TEXT in
 * their name, and `--write` writes the table into docs/faults.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { TOP } from './envoy.mjs';
import { Gate } from './faults/gate.mjs';
import { crashingModule, rows } from './faults/rows.mjs';
import { Traffic } from './faults/traffic.mjs';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' }, write: { type: 'boolean' } } });
const scratch = mkdtempSync(join(tmpdir(), 'tenantgate-faults-'));

/** A library that moves Envoy's clock by the seconds in a file. */
function movableClock() {
  const [library, file] = [join(scratch, 'clock.so'), join(scratch, 'clock')];
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, join(TOP, 'tests/e2e/faults/clock.c')]);
  writeFileSync(file, Buffer.alloc(8));
  return { file, env: { LD_PRELOAD: library, CLOCK_OFFSET_FILE: file } };
}

async function run({ name, gate: wanted = {}, during, after, mayFail }) {
  const { clock, crashes, ...more } = wanted;
  const gate = new Gate({ ...more, ...(clock ? { env: clock.env } : {}), ...(crashes ? { module: crashingModule(scratch) } : {}) });
  gate.clock = clock?.file;
  try {
    await gate.start();
    let turn = 0;
    const port = () => {
      turn += 1;
      const replica = turn % gate.replicas;
      return gate.gateway(replica === gate.drained ? gate.replicas - 1 : replica);
    };
    const traffic = new Traffic(gate, { port });
    await traffic.start();
    await sleep(500);
    const note = await during(gate, traffic, duration);
    const recovered = await traffic.recovered();
    await traffic.stop();
    if (after) traffic.unexpected.push(...await after(gate));
    const { sent, answers, lost, unserved } = traffic.count;
    const leaked = gate.leaked.length;
    const isServed = mayFail || (unserved === 0 && !answers.none);
    const passed = leaked === 0 && lost === 0 && isServed && recovered && traffic.unexpected.length === 0;
    return { name, sent, answers, leaked, lost, unserved, note: note ?? '', passed, unexpected: [...traffic.unexpected.slice(0, 3), ...gate.leaked.slice(0, 3)] };
  } finally {
    await gate.stop();
  }
}

const clock = movableClock();
const { many, duration } = options.quick ? { many: 1_000, duration: 2_000 } : { many: 10_000, duration: 4_000 };
const chosen = rows({ many, clock }).filter(({ name }) => name.includes(options.only ?? ''));
const table = [
  '| fault | sent | answered | leaked | lost | unserved | |',
  '|---|---|---|---|---|---|---|',
];
let failed = 0;
for (const row of chosen) {
  const { name, sent, answers, leaked, lost, unserved, note, passed, unexpected } = await run(row);
  const answered = Object.entries(answers).map(([status, count]) => `${status === 'none' ? 'no answer' : status}: ${count}`).join(', ');
  table.push(`| ${name} | ${sent} | ${answered} | ${leaked} | ${lost} | ${unserved} | ${note} |`);
  console.log(`${passed ? 'passed' : 'FAILED'}  ${name}: ${sent} sent, ${answered}; leaked ${leaked}, lost ${lost}, unserved ${unserved}. ${note}`);
  if (!passed) {
    failed += 1;
    unexpected.forEach((what) => console.log(`        ${what}`));
  }
}
if (options.write) {
  const file = join(TOP, 'docs/faults.md');
  const mark = '<!-- ./build.sh faults --write -->';
  const [head, , tail] = readFileSync(file, 'utf8').split(mark);
  const version = readFileSync(join(TOP, 'build.sh'), 'utf8').match(/ENVOY_VERSION=([\d.]+)/)[1];
  const when = `Envoy ${version} on ${new Date().toISOString().slice(0, 10)}:\n\n`;
  writeFileSync(file, `${head}${mark}\n\n${when}${table.join('\n')}\n\n${mark}${tail}`);
}
console.log(`\n${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
