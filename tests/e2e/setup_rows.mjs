/** The table of broken set-ups in docs/operations.md, and what a row says about log and counters. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { TOP } from './envoy.mjs';

const HEADING = '\n### Set-ups that do not work\n';

/**
 * The rows: `{symptom, words, debug, counter, cause}`. `words` are in this order in one line of the
 * log. `counter` is one of the cluster, if the row names one.
 */
export function rows() {
  const section = readFileSync(join(TOP, 'docs/operations.md'), 'utf8').split(HEADING)[1].split(/\n##+ /)[0];
  const lines = section.split('\n').filter((line) => line.startsWith('| ')).slice(1);
  return lines.map((line) => {
    const [symptom, cell, cause] = line.slice(2, -2).split(' | ');
    const [text, counter] = cell.split('; counter ');
    const quoted = (part = '') => [...part.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
    return { symptom, cause, debug: text.includes('(debug)'), words: quoted(text), counter: quoted(counter)[0] };
  });
}

export function row(cause) {
  const found = rows().filter((one) => one.cause === cause);
  assert.equal(found.length, 1, `the table has ${found.length} rows with the cause "${cause}"`);
  return found[0];
}

/** The lines of a log of Envoy: `{level, text}`. Those of Tenantgate are without Envoy's prefix. */
export function lines(log) {
  const all = [...readFileSync(log, 'utf8').matchAll(/^\[[^\]]*\]\[\d+\]\[(\w+)\]\[[^\]]*\] (?:\[[^\]]*\] )?(.*)$/gm)];
  return all.map(([, level, text]) => ({ level, text: text.replace(/^wasm log(?: tenantgate)*: /, '') }));
}

/** Whether one line names the tenant and, apart from its name, has all the words in their order. */
function says({ level, text }, { words, debug }, tenant) {
  if ((level === 'debug') !== debug || !text.includes(tenant)) return false;
  const rest = tenant === '' ? text : text.replaceAll(tenant, '');
  if (/^[a-z_]+$/.test(words[0]) && !rest.startsWith(`${words[0]} `)) return false;
  let end = 0;
  return words.every((word) => {
    const at = rest.indexOf(word, end);
    end = at + word.length;
    return at >= 0;
  });
}

/** Waits until one line of the log says what the row says. */
export async function findLine(log, found, tenant = '') {
  for (let tries = 0; tries < 200; tries += 1) {
    const all = lines(log);
    if (all.some((line) => says(line, found, tenant))) return;
    if (tries < 199) await setTimeout(20);
    else {
      const own = all.filter(({ text, level }) => text.includes(tenant) && !/ map: |Wasm \d/.test(text) && !text.startsWith('  ') && level !== 'trace').slice(-30).map(({ level, text }) => `[${level}] ${text}`);
      assert.fail(`no line has ${found.words.join(' ... ')}${found.debug ? ' at debug' : ''}; there are:\n${own.join('\n')}`);
    }
  }
}

/** Waits until Envoy counts the event, for the tenant if there is one, and what the row names. */
export async function findCounter(adminPort, { words: [event], counter }, tenant) {
  const name = event.startsWith('configuration') ? 'tenant_config_error' : event;
  await counts(adminPort, `wasmcustom.tenantgate.${tenant ? `tenant_events.${tenant}` : 'events'}.${name}`);
  if (counter) await counts(adminPort, `cluster.${tenant}.${counter}`);
}

async function counts(adminPort, counter) {
  for (let tries = 0; tries < 300; tries += 1) {
    const stats = await (await fetch(`http://127.0.0.1:${adminPort}/stats?filter=^${counter.replaceAll('.', '\\.')}$`)).text();
    if (Number(stats.split(': ')[1] ?? 0) > 0) return;
    await setTimeout(20);
  }
  assert.fail(`Envoy does not count ${counter}`);
}
