/** Broken set-ups: each row of the table has one test, and each test has a row. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { TOP } from './envoy.mjs';
import { rows } from './setup_rows.mjs';

const FOLDER = join(TOP, 'tests/e2e');
const files = readdirSync(FOLDER).filter((name) => /^setups_.*\.test\.mjs$/.test(name) && !name.includes('table'));
const text = files.map((name) => readFileSync(join(FOLDER, name), 'utf8')).join('\n');
const tests = [...text.matchAll(/^(?:broken|refused|replicas|redirected)\('((?:[^'\\]|\\')+)'/gm)].map(([, cause]) => cause.replaceAll("\\'", "'"));

test('the table has a row for each test, and each row a test', () => {
  const causes = rows().map(({ cause }) => cause);
  assert.ok(causes.length >= 26);
  assert.deepEqual(causes.toSorted(), tests.toSorted());
});

test('a row has words for one line', () => {
  for (const { cause, words } of rows()) {
    assert.notEqual(words.length, 0, cause);
    const event = /^[a-z_]+$/.test(words[0]);
    assert.ok(!event || words.length > 1, `${cause}: the event alone names no cause`);
  }
});
