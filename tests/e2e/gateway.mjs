/** Envoy with two workers and an upstream, in front of a provider that somebody else starts. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

import { exampleConfiguration, startEnvoy } from './envoy.mjs';
import { startUpstream } from './upstream.mjs';

const WORKERS = 2;

/**
 * Starts the gateway with `tenants`, whose provider the cluster `provider` reaches at the port
 * `ports.provider`. `dir` is for files, and `log` is where Envoy writes its log.
 */
export async function startGateway({ ports, dir, log, tenants }) {
  const { envoy, tenantgate } = exampleConfiguration(ports);
  tenantgate.tenants = tenants;
  const clusters = envoy.static_resources.clusters.filter(({ name }) => name === 'upstream');
  envoy.static_resources.clusters = [...clusters, cluster('provider', ports.provider)];
  const upstream = await startUpstream({ port: ports.upstream });
  try {
    const env = { TENANTGATE_SESSION_KEY: randomBytes(32).toString('base64') };
    const running = await startEnvoy({ envoy, adminPort: ports.admin, dir, log, env, wasmLog: 'trace' });
    return {
      received: upstream.received,
      /** Repeats `action` until both workers have served it, and returns every answer. */
      async atBothWorkers(action) {
        const before = await connections(ports.admin);
        const answers = [];
        for (let tries = 0; tries < 200; tries += 1) {
          answers.push(await action());
          const now = await connections(ports.admin);
          if (now.every((count, worker) => count > before[worker])) return answers;
          await setTimeout(5);
        }
        throw new Error('one worker served no request');
      },
      async stop() {
        await running.stop();
        await upstream.stop();
      },
    };
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

const cluster = (name, port) => ({
  name,
  connect_timeout: '1s',
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] }] },
});

/** How many connections each worker has accepted. The client opens one for each request. */
async function connections(admin) {
  const answer = await fetch(`http://127.0.0.1:${admin}/stats?filter=listener.*worker_.*downstream_cx_total`);
  const counts = [...(await answer.text()).matchAll(/worker_(\d)\.downstream_cx_total: (\d+)/g)].map(([, , count]) => Number(count));
  if (counts.length !== WORKERS) throw new Error(`Envoy counts the connections of ${counts.length} workers`);
  return counts;
}
