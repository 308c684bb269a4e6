/** Prometheus, which scrapes Envoy once a second. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startProcess, waitFor } from './process.mjs';

/** Starts Prometheus on loopback. It scrapes the admin address of Envoy, and evaluates `rules`. */
export async function startPrometheus({ port, adminPort, dir, rules }) {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'prometheus.json');
  writeFileSync(file, JSON.stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'envoy', metrics_path: '/stats/prometheus', static_configs: [{ targets: [`127.0.0.1:${adminPort}`] }] }],
  }));
  const address = `127.0.0.1:${port}`;
  const running = startProcess('prometheus', [
    `--config.file=${file}`, `--storage.tsdb.path=${join(dir, 'data')}`, `--web.listen-address=${address}`,
  ], { log: join(dir, 'prometheus.log') });
  const ask = async (path, parameters = {}) => {
    const answer = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = await answer.json();
    if (status !== 'success') throw new Error(`${parameters.query ?? path}: ${error}`);
    return data;
  };
  try {
    await waitFor(running, () => ask('status/config'));
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    stop: running.stop,
    /** The result of a query: a list of series. */
    query: async (query) => (await ask('query', { query })).result,
    /** The same over time: from `start`, in seconds since the Unix epoch, to now. */
    range: async (query, start, step) => (await ask('query_range', { query, start, end: Date.now() / 1000, step })).result,
    /** The rules, as Prometheus has loaded them. */
    rules: async () => (await ask('rules')).groups.flatMap(({ rules: loaded }) => loaded),
  };
}
