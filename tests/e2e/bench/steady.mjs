/** Clients that send requests at a constant rate. */
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The connections that send requests during a push, and the time between two requests of each. */
export const CONNECTIONS = 16;
const INTERVAL_MS = 20;

/**
 * Sends requests on that many connections. `send` gets the number of its connection and an agent,
 * and `record` how long each answer took in milliseconds, and the answer or the error. Returns what
 * ends them.
 */
export function steadyClients(send, record) {
  let isOver = false;
  async function client(number) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let due = performance.now() + number;
    while (!isOver) {
      await sleep(Math.max(0, due - performance.now()));
      const began = performance.now();
      // A request that is late because the one before it had to wait counts with its delay, too.
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
