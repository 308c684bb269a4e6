/** Envoy with the module in `target/tenantgate.wasm`, or in the file that `TENANTGATE_WASM` names. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

import { DEFAULT_PORTS } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';

export const TOP = fileURLToPath(new URL('../..', import.meta.url));

/**
 * envoy/envoy.yaml with these ports and the built module: `{envoy, tenantgate}`, where
 * `tenantgate` is the part of `envoy` that configures Tenantgate.
 */
export function exampleConfiguration(ports) {
  const text = readFileSync(join(TOP, 'envoy/envoy.yaml'), 'utf8');
  const names = Object.fromEntries(Object.entries(DEFAULT_PORTS).map(([name, port]) => [port, name]));
  const envoy = parse(text.replace(/\b\d{4}\b/g, (number) => ports[names[number]] ?? number));
  const manager = envoy.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  const { config } = manager.http_filters.find(({ name }) => name === 'tenantgate').typed_config;
  config.vm_config.code.local.filename = process.env.TENANTGATE_WASM ?? join(TOP, 'target/tenantgate.wasm');
  return { envoy, tenantgate: config.configuration.value };
}

/** Starts Envoy with two workers, and waits until it is ready. `level` is for what is not Wasm. */
export async function startEnvoy({ envoy, adminPort, dir, log = join(dir, 'envoy.log'), env, wasmLog, level = 'warning' }) {
  const file = join(dir, 'envoy.yaml');
  writeFileSync(file, stringify(envoy), { mode: 0o600 });
  const args = ['-c', file, '--disable-hot-restart', '--concurrency', '2', '-l', level, '--component-log-level', `wasm:${wasmLog}`];
  const running = startProcess(join(TOP, 'target/venv/bin/envoy'), args, { log, env });
  try {
    await waitFor(running, async () => {
      const ready = await fetch(`http://127.0.0.1:${adminPort}/ready`);
      if (!ready.ok) throw new Error(`Envoy is not ready: ${await ready.text()}`);
    });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}
