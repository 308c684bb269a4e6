import { Agent, request } from 'node:http';
import { join } from 'node:path';

import { freePorts } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';

/** Text as the JSON gateway of etcd has it. */
export const encoded = (text) => Buffer.from(text).toString('base64');

/**
 * Starts one etcd that keeps its data in `dir`. `post` calls its JSON gateway at `port`, and fails
 * unless the status is 200; `range` reads the keys from one on and before another.
 */
export async function startEtcd(dir) {
  const { client: port, peer } = await freePorts(['client', 'peer']);
  const agent = new Agent({ keepAlive: true });
  const [clients, peers] = [port, peer].map((number) => `http://127.0.0.1:${number}`);
  const etcd = startProcess('etcd', [
    '--log-level', 'error', '--data-dir', join(dir, 'etcd'), '--quota-backend-bytes', String(8 * 1024 ** 3),
    '--listen-client-urls', clients, '--advertise-client-urls', clients,
    '--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `default=${peers}`,
  ], { log: join(dir, 'etcd.log') });

  const post = (path, body) => new Promise((resolve, reject) => {
    const call = request({ agent, host: '127.0.0.1', port, method: 'POST', path }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
      });
    });
    call.on('error', reject);
    call.end(JSON.stringify(body));
  });
  const range = (from, to, more) => post('/v3/kv/range', { key: encoded(from), range_end: encoded(to), ...more });
  const stop = async () => {
    await etcd.stop();
    agent.destroy();
  };

  try {
    await waitFor(etcd, () => post('/v3/maintenance/status', {}));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, post, range, stop };
}
