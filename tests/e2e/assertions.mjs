/** What the end-to-end tests assert, and how they wait. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** The values of the header lines `name` in a request that the upstream received. */
export const values = ({ headers }, name) => headers.filter(([n]) => n === name).map(([, value]) => value);

/** The header lines with the identity in a request that the upstream received, sorted. */
export const identityHeaders = ({ headers }) => headers.filter(([name]) => name.startsWith('x-auth-request-')).map((header) => header.join(': ')).sort();

/** Tenantgate's lines about `tenant` in Envoy's log: `<event> tenant=<tenant> ...`. */
export const logged = (log, tenant) =>
  [...readFileSync(log, 'utf8').matchAll(/ wasm log(?: tenantgate)*: (.*)/g)].map(([, line]) => line).filter((line) => line.includes(` tenant=${tenant} `)).join('\n');

/** Makes the failure of an action name `logs`. */
export const naming = (logs) => (action) => async () => {
  try {
    await action();
  } catch (error) {
    error.message += Object.entries(logs).map(([server, log]) => `\n${server}'s log: ${log}`).join('');
    throw error;
  }
};

/** What to assert about the upstream of `stack`. `endsAtBothWorkers` needs that of gateway.mjs. */
export function observe(stack) {
  const during = async (action) => {
    const before = stack.received.length;
    const answer = await action();
    return { answer, seen: stack.received.slice(before) };
  };
  /** Fails if the upstream received anything during `action`. */
  const denied = async (action) => {
    const { answer, seen } = await during(action);
    assert.equal(seen.length, 0, 'the upstream received something');
    return answer;
  };
  return {
    denied,
    /** The only request that the upstream received during `action`. */
    async received(action) {
      const { answer, seen } = await during(action);
      assert.equal(seen.length, 1);
      return { answer, ...seen[0] };
    },
    /** Waits until `open` is sent to `issuer` by both workers. Then the upstream gets nothing. */
    async endsAtBothWorkers(open, issuer) {
      const refused = (answers) => answers.every(({ location }) => location?.startsWith(issuer));
      await eventually(async () => refused(await stack.atBothWorkers(open)), 1);
      assert.ok(refused(await denied(() => stack.atBothWorkers(open))));
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
