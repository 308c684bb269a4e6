/** Clients that send requests at a constant rate. */
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The connections that send requests during a push. */
export const CONNECTIONS = 16;
/** The time between two requests of a connection, unless one has to wait longer. */
const INTERVAL_MS = 20;

/**
 * The longest waits in milliseconds before a push and during it, how many requests there were, and
 * what other answers than 200 came. `send` gets the number of its connection and an agent, and
 * gives the status; `push` resolves when what was pushed is served.
 */
export async function requestsDuring(push, send) {
  const found = { quiet: 0, push: 0, requests: 0, failed: [] };
  let phase = 'quiet';
  const end = steadyClients(send, (waited, answer) => {
    found[phase] = Math.max(found[phase], waited);
    found.requests += 1;
    if (answer !== 200) found.failed.push(answer);
  });
  await sleep(2_000);
  phase = 'push';
  const began = performance.now();
  await push();
  found.seconds = (performance.now() - began) / 1000;
  await sleep(1_000);
  await end();
  return found;
}

/** Sends requests on these connections until the returned function is called. */
function steadyClients(send, record) {
  let isOver = false;
  async function client(number) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let due = performance.now() + number;
    while (!isOver) {
      await sleep(Math.max(0, due - performance.now()));
      const began = performance.now();
      // After a request that had to wait, the next one follows at once.
      due = Math.max(due + INTERVAL_MS, began);
      const answer = await send(number, agent).catch((error) => error.code ?? error.message);
      record(performance.now() - began, answer);
    }
    agent.destroy();
  }
  const clients = Array.from({ length: CONNECTIONS }, (_, number) => client(number));
  return async () => {
    isOver = true;
    await Promise.all(clients);
  };
}
