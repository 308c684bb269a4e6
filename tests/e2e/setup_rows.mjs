/** The table of broken set-ups in docs/operations.md, and what a row says about log and counters. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { TOP } from './envoy.mjs';

const HEADING = '\n### Set-ups that do not work\n';

/** The rows: `{symptom, words, debug, cause}`. `words` are in this order in one line of the log. */
export function rows() {
  const section = readFileSync(join(TOP, 'docs/operations.md'), 'utf8').split(HEADING)[1].split(/\n##+ /)[0];
  const lines = section.split('\n').filter((line) => line.startsWith('| ')).slice(1);
  return lines.map((line) => {
    const [symptom, words, cause] = line.slice(2, -2).split(' | ');
    return { symptom, cause, debug: words.includes('(debug)'), words: [...words.matchAll(/`([^`]+)`/g)].map(([, word]) => word) };
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

/** Whether one line has all the words of a row in their order, and the name of the tenant. */
function says({ level, text }, { words, debug }, tenant) {
  if ((level === 'debug') !== debug || !text.includes(tenant)) return false;
  let end = 0;
  return words.every((word, index) => {
    const at = text.indexOf(word, end);
    end = at + word.length;
    return index === 0 && /^[a-z_]+$/.test(word) ? text.startsWith(`${word} `) : at >= 0;
  });
}

/** Waits until one line of the log says what the row says. */
export async function findLine(log, found, tenant = '') {
  for (let tries = 0; tries < 200; tries += 1) {
    const all = lines(log);
    if (all.some((line) => says(line, found, tenant))) return;
    if (tries < 199) await setTimeout(20);
    else {
      const own = all.filter(({ text, level }) => text.includes(tenant) && level !== 'trace').slice(-30).map(({ level, text }) => `[${level}] ${text}`);
      assert.fail(`no line has ${found.words.join(' ... ')}${found.debug ? ' at debug' : ''}; there are:\n${own.join('\n')}`);
    }
  }
}

/** Waits until Envoy counts the event of the row, for the tenant if there is one. */
export async function findCounter(adminPort, { words: [event] }, tenant) {
  const name = event.startsWith('configuration') ? 'tenant_config_error' : event;
  const counter = `wasmcustom.tenantgate.${tenant ? `tenant_events.${tenant}` : 'events'}.${name}`;
  for (let tries = 0; tries < 300; tries += 1) {
    const stats = await (await fetch(`http://127.0.0.1:${adminPort}/stats?filter=^${counter.replaceAll('.', '\\.')}$`)).text();
    if (Number(stats.split(': ')[1] ?? 0) > 0) return;
    await setTimeout(20);
  }
  assert.fail(`Envoy does not count ${counter}`);
}
