/** What the end-to-end tests assert, and how they wait. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** The values of the header lines `name` in a request that the upstream received. */
export const values = ({ headers }, name) => headers.filter(([n]) => n === name).map(([, value]) => value);

/** Tenantgate's lines about `tenant` in Envoy's log: `<event> tenant=<tenant> ...`. */
export const logged = (log, tenant) =>
  [...readFileSync(log, 'utf8').matchAll(/ tenantgate: (.*)/g)].map(([, line]) => line).filter((line) => line.includes(` tenant=${tenant} `)).join('\n');

/** `received` and `denied`, about the upstream of `stack`. */
export function observe(stack) {
  const during = async (action) => {
    const before = stack.received.length;
    const answer = await action();
    return { answer, seen: stack.received.slice(before) };
  };
  return {
    /** The only request that the upstream received during `action`. */
    async received(action) {
      const { answer, seen } = await during(action);
      assert.equal(seen.length, 1);
      return { answer, ...seen[0] };
    },
    /** Fails if the upstream received anything during `action`. */
    async denied(action) {
      const { answer, seen } = await during(action);
      assert.equal(seen.length, 0, 'the upstream received something');
      return answer;
    },
  };
}

/** Waits until `what` is true several times in a row, since any worker may answer. */
export async function eventually(what, times = 8) {
  for (let row = 0, tries = 0; row < times; tries += 1) {
    assert.ok(tries < 1000, `it did not become true: ${what}`);
    if (await what()) row += 1;
    else {
      row = 0;
      await setTimeout(20);
    }
  }
}
