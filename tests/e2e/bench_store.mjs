/**
 * `./build.sh bench store`: what a poll of the store and the read of a tenant's list cost etcd, with
 * few and with a million sign-outs stored; and how soon a second Envoy knows of a sign-out, and how
 * long a new one takes to its first session, with few and with many sign-outs of that tenant.
 *
 * One etcd on this machine, with keys and values as the filter writes them. The figures depend on
 * the machine, so the targets are ratios. For comparison, the range that etcd filters by revision,
 * which a poll could ask for instead.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { INTERVAL, startReplicas } from './bench/replicas.mjs';
import { encoded, startEtcd } from './etcd.mjs';

const STORED = [1_000, 100_000, 1_000_000];
const TENANTS = 1_000;
/** Sign-outs in a transaction here: etcd takes 128 operations in one. */
const BATCH = 60;
const WRITERS = 16;
const SAMPLES = 300;
/** As in src/session/store/poll.rs. */
const OVERLAP = 64;
const PAGE = 100;
/** The most that a poll with all sign-outs stored may cost, as a multiple of one with few. */
const POLL_TARGET = 1.5;
/** How many sign-outs are waited for at another Envoy, and how many intervals each may take. */
const SIGN_OUTS = 30;
const DELAY_TARGET = 2;
/** How many new Envoys are asked in each case. */
const STARTS = 5;
/** How many sign-outs the tenant has: none, some, and about as many as a new Envoy reads. */
const OF_TENANT = [0, 1_000, 16_000];

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-bench-store-'));
const etcd = await startEtcd(folder);
const { post, range } = etcd;

const hex = (number) => number.toString(16).padStart(16, '0');
const tenants = Array.from({ length: TENANTS }, () => randomBytes(32).toString('base64url'));
let written = 0;

/** The two puts of a sign-out. */
function puts(revision) {
  const tenant = tenants[written % TENANTS];
  const id = randomBytes(12).toString('base64url');
  const value = encoded(`k1.${randomBytes(90).toString('base64url')}`);
  written += 1;
  const time = hex((1n << 64n) - 1n - BigInt(1_800_000_000 + written));
  return [`/tenantgate/ended/${tenant}/${time}-${id}`, `/tenantgate/recent/${hex(revision)}/${tenant}/${id}`]
    .map((key) => ({ request_put: { key: encoded(key), value } }));
}

/** Fills the store, at last with sign-outs in transactions of their own, as replicas write them. */
async function fill(count) {
  await post('/v3/kv/put', { key: encoded('/tenantgate/recent/generation'), value: encoded('bench') });
  let revision = 1;
  const writer = async () => {
    while (written < count - OVERLAP) {
      const success = Array.from({ length: Math.min(BATCH, count - OVERLAP - written) }, () => puts(revision)).flat();
      revision = Number((await post('/v3/kv/txn', { success })).header.revision);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  while (written < count) {
    revision = Number((await post('/v3/kv/txn', { success: puts(revision) })).header.revision);
  }
}

/** The median time of a call in milliseconds, and the keys that it brought. */
async function measure(call, samples = SAMPLES) {
  const times = [];
  let keys = 0;
  for (let number = 0; number < samples; number += 1) {
    const start = performance.now();
    keys = ((await call(number)).kvs ?? []).length;
    times.push(performance.now() - start);
  }
  return { ms: times.sort((a, b) => a - b)[Math.floor(samples / 2)], keys };
}

/** Two Envoys, with all that is stored. */
async function measureReplicas() {
  const replicas = await startReplicas(folder, etcd.port);
  try {
    const delays = [];
    for (let number = 0; number < SIGN_OUTS; number += 1) delays.push(await replicas.delay());
    const [median, longest] = [delays.sort((a, b) => a - b)[SIGN_OUTS / 2], Math.max(...delays)].map((delay) => delay / INTERVAL);
    if (longest > DELAY_TARGET) process.exitCode = 1;
    process.stdout.write(`a sign-out at one Envoy is known at the other after ${median.toFixed(2)} intervals (median of ${SIGN_OUTS}), and ${longest.toFixed(2)} at most (target: ${DELAY_TARGET})\n`);
    const cookies = await replicas.signedIn();
    let stored = 0;
    let base;
    for (const count of OF_TENANT) {
      await replicas.endSessions(count - stored);
      stored = count;
      const times = [];
      for (let number = 0; number < STARTS; number += 1) times.push(await replicas.firstRequest(cookies));
      const ms = times.sort((a, b) => a - b)[Math.floor(STARTS / 2)];
      base ??= ms;
      process.stdout.write(`the first session at a new Envoy, with ${count} sign-outs of its tenant more: ${ms.toFixed(0)} ms (${(ms / base).toFixed(1)})\n`);
    }
  } finally {
    await replicas.stop();
  }
}

try {
  const rows = [];
  for (const count of STORED) {
    await fill(count);
    const { header } = await range('/tenantgate/recent/', '/tenantgate/recent/\0', {});
    const recent = `/tenantgate/recent/${hex(Number(header.revision) - OVERLAP)}`;
    const poll = await measure(() => range(recent, '/tenantgate/recent0', { limit: PAGE }));
    const list = await measure((number) => {
      const start = `/tenantgate/ended/${tenants[number % TENANTS]}/`;
      return range(start, `${start.slice(0, -1)}0`, { limit: PAGE });
    });
    const filtered = await measure(() => range('/tenantgate/recent/', '/tenantgate/recent0', { min_mod_revision: header.revision }), 5);
    rows.push({ count, poll, list, filtered });
  }
  const first = rows[0];
  const cell = ({ ms, keys }, base) => `${ms.toFixed(2)} ms (${(ms / base.ms).toFixed(1)}), ${keys} keys`.padEnd(28);
  process.stdout.write('sign-outs stored   poll                        first page of a list        range filtered by revision\n');
  for (const { count, poll, list, filtered } of rows) {
    process.stdout.write(`${String(count).padStart(16)}   ${cell(poll, first.poll)}${cell(list, first.list)}${cell(filtered, first.filtered)}\n`);
  }
  const growth = rows.at(-1).poll.ms / first.poll.ms;
  if (growth > POLL_TARGET) process.exitCode = 1;
  process.stdout.write(`a poll with all of them stored: ${growth.toFixed(2)} of one with few (target: ${POLL_TARGET} at most)\n\n`);
  await measureReplicas();
} finally {
  await etcd.stop();
  rmSync(folder, { recursive: true });
}
