/**
 * `./build.sh soak [REQUESTS]`: a million requests, or so many, of mixed traffic: sessions, bearer
 * tokens that are known and new, logins, and requests that nothing may forward. No request may get
 * another answer than its own, and the memory of Envoy has to be flat after the first quarter.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { Gate } from './faults/gate.mjs';
import { Traffic } from './faults/traffic.mjs';

const requests = Number(process.argv[2] ?? 1_000_000);
if (!Number.isInteger(requests) || requests < 1_000) {
  console.error('soak: give a number of requests, at least 1000');
  process.exit(2);
}
const PARTS = 20;
/** What Envoy's own memory varies by between two looks, in MiB. */
const TOLERANCE = 4;

const gate = new Gate();
let failed = false;
try {
  await gate.start();
  const traffic = new Traffic(gate, { pause: 0, fresh: true });
  await traffic.start();
  const samples = [];
  for (let part = 1; part <= PARTS; part += 1) {
    while (traffic.count.sent < (requests * part) / PARTS) await sleep(100);
    samples.push(gate.memory());
    console.log(`${traffic.count.sent} requests, ${samples.at(-1).toFixed(1)} MiB, ${JSON.stringify(traffic.count.answers).replaceAll('"', '')}`);
  }
  await traffic.stop();
  const quarter = Math.max(...samples.slice(0, PARTS / 4));
  const last = Math.max(...samples.slice(-PARTS / 4));
  const { answers, lost } = traffic.count;
  const errors = Object.entries(answers).filter(([status]) => status === 'none' || status >= 500).reduce((sum, [, count]) => sum + count, 0);
  failed = lost > 0 || errors > 0 || gate.leaked.length > 0 || last > quarter + TOLERANCE;
  console.log(`\n${traffic.count.sent} requests: ${errors} errors, ${gate.leaked.length} leaked, ${lost} lost; ${quarter.toFixed(1)} MiB in the first quarter, ${last.toFixed(1)} in the last`);
  traffic.unexpected.slice(0, 5).forEach((what) => console.log(what));
} finally {
  await gate.stop();
}
process.exit(failed ? 1 : 0);
