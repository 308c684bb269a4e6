/** The rounds: what a request costs in each case, and what the versions of HTTP change. */
import { join } from 'node:path';

import { Client } from '../client.mjs';
import { CASES, PROTOCOL_CASES } from './cases.mjs';
import { ECHO } from './listeners.mjs';
import { answers, cpuTime, flood, latencies, wrk, WRK_SCRIPT } from './load.mjs';
import { asLines } from './messages.mjs';

/** Fails if a listener does not do its part: its answer, and the user that it tells the upstream. */
async function check(port, { title, status, base, decides = base !== undefined }, { host, path, headers }) {
  const answer = await new Client().send(`http://${host}:${port}${path}`, { headers: { ...Object.fromEntries(headers), host, [ECHO]: '1' } });
  if (answer.status !== status) throw new Error(`${title}: status ${answer.status} instead of ${status}`);
  if (decides && status === 200 && !answer.headers['x-seen-user']) throw new Error(`${title}: the upstream does not learn the user`);
}

/** How many costs in succession are compared with the same cost of a case that does nothing. */
const USES = 6;

/**
 * Sends the requests of these cases in turn, for so many rounds of so many seconds. Returns, by
 * case, what a request costs in each round on top of the case that does nothing: the CPU time in
 * microseconds.
 */
export async function measureCases(names, { pid, ports, requests, files, rounds, seconds }) {
  const script = files.file('wrk.lua', WRK_SCRIPT);
  const lines = {};
  for (const name of names) {
    const { listener, requests: set } = CASES[name];
    const made = await requests[set]();
    await check(ports[listener], CASES[name], made[0]);
    lines[set] ??= files.file(`${set}.requests`, asLines(made));
  }
  /** How many requests of a set each listener has got: the next ones are others. */
  const sent = {};
  const measure = async (name) => {
    const { title, listener, requests: set, status } = CASES[name];
    const place = `${listener} ${set}`;
    const earlier = await answers(ports.admin, listener);
    const before = cpuTime(pid);
    const count = wrk(ports[listener], { script, lines: lines[set], skipped: sent[place] ?? 0, seconds });
    const spent = cpuTime(pid) - before;
    sent[place] = (sent[place] ?? 0) + count;
    const wrong = Object.entries(await answers(ports.admin, listener)).filter(([digit, now]) => digit !== String(status)[0] && now !== earlier[digit]);
    if (count === 0 || wrong.length > 0) throw new Error(`${title}: ${count} answers, some with the statuses ${wrong.map(([digit]) => `${digit}xx`)}`);
    return spent / count;
  };
  const costs = Object.fromEntries(names.map((name) => [name, []]));
  /** The last costs of the cases that do nothing. A cost is compared with a recent one of them. */
  let bases = {};
  const base = async (name) => {
    if (!bases[name] || bases[name].uses === USES) bases[name] = { cost: await measure(name), uses: 0 };
    bases[name].uses += 1;
    return bases[name].cost;
  };
  for (const name of names) await measure(name);
  for (let round = 1; round <= rounds; round += 1) {
    console.log(`round ${round} of ${rounds}`);
    bases = {};
    for (const name of names) {
      if (CASES[name].base) costs[name].push(await measure(name) - await base(CASES[name].base));
      else costs[name].push(await base(name));
    }
  }
  return costs;
}

/** The same for the few cases that both versions of HTTP get, with latencies at a fixed rate. */
export async function measureProtocols({ pid, ports, requests, files, rounds, seconds, rate }) {
  const rows = [];
  for (const protocol of ['HTTP/1.1', 'HTTP/2']) {
    for (const name of Object.keys(PROTOCOL_CASES)) rows.push({ protocol, name, costs: [], times: [] });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { protocol, name, costs, times } of rows) {
      const { listener, requests: set } = CASES[PROTOCOL_CASES[name]];
      const [request] = await requests[set]();
      const before = cpuTime(pid);
      const count = flood(ports[listener], request, protocol, seconds);
      costs.push((cpuTime(pid) - before) / count);
      times.push(latencies(ports[listener], request, protocol, { rate, seconds, file: join(files.dir, 'h2load.log') }));
    }
  }
  return rows;
}
