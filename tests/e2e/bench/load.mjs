/** The load: wrk for many different requests one after the other, h2load for one request. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The lines of `messages.mjs`, in turn, from the one after so many on. */
export const WRK_SCRIPT = `
local requests, i = {}, 0
function init(args)
  for line in io.lines(args[1]) do requests[#requests + 1] = line:gsub("\\r", "\\r\\n") end
  i = tonumber(args[2])
end
function request()
  i = i % #requests + 1
  return requests[i]
end
function done(summary)
  io.write(string.format("requests %d\\n", summary.requests))
end
`;

/** The CPU time of a process in microseconds. The kernel counts it per thread in nanoseconds. */
export function cpuTime(pid) {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).reduce((sum, task) => sum + Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]) / 1000, 0);
}

/**
 * Sends the requests in the file `lines` for so many seconds, from the one after `skipped` on.
 * Returns how many were answered.
 */
export function wrk(port, { script, lines, skipped, seconds }) {
  const output = execFileSync('wrk', ['-t1', '-c8', `-d${seconds}s`, '-s', script, `http://127.0.0.1:${port}/`, '--', lines, String(skipped)]).toString();
  return Number(output.match(/requests (\d+)/)[1]);
}

/** How many answers with each first digit of the status a listener has given. */
export async function answers(admin, listener) {
  const stats = await (await fetch(`http://127.0.0.1:${admin}/stats?filter=^http\\.${listener}\\.downstream_rq_.xx$`)).text();
  return Object.fromEntries([...stats.matchAll(/downstream_rq_(\d)xx: (\d+)/g)].map(([, digit, count]) => [digit, Number(count)]));
}

const CLIENTS = 16;

function h2load(port, { host, path, headers }, protocol, args) {
  // Without a port in the URL, `:authority` has none: an HMAC of `oauth2` holds for one authority.
  const output = execFileSync('h2load', [
    ...(protocol === 'HTTP/1.1' ? ['--h1'] : []), `--connect-to=127.0.0.1:${port}`, '-t1', `-c${CLIENTS}`,
    ...headers.flatMap(([name, value]) => ['-H', `${name}: ${value}`]), ...args, `http://${host}${path}`,
  ]).toString();
  const [, succeeded, ...others] = output.match(/status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/).map(Number);
  const [, failed, errored] = output.match(/(\d+) failed, (\d+) errored/).map(Number);
  if (succeeded === 0 || failed + errored > 0 || others.some((count) => count > 0)) throw new Error(`h2load to ${host}, ${protocol}:\n${output}`);
  return succeeded;
}

/** Sends this request as fast as the answers come. Returns how many were answered. */
export const flood = (port, request, protocol, seconds) => h2load(port, request, protocol, [`-D${seconds}`]);

/**
 * Sends this request at a fixed rate. Returns latencies in microseconds: p50, p90 and p99.
 *
 * The connections begin one after the other, so that the requests of different connections are
 * evenly apart. Otherwise all send at the same moment, and wait for each other.
 */
export function latencies(port, request, protocol, { rate, seconds, file }) {
  // h2load appends to it.
  rmSync(file, { force: true });
  h2load(port, request, protocol, [`-n${rate * seconds}`, '-r1', `--rate-period=${1000 / rate}ms`, `--rps=${rate / CLIENTS}`, `--log-file=${file}`]);
  const times = readFileSync(file, 'utf8').trim().split('\n').map((line) => Number(line.split('\t')[2])).sort((a, b) => a - b);
  const percentile = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
  return { sent: times.length, p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99) };
}
