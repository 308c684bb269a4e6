/** The results of a run: on the terminal, and in docs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { TOP } from '../envoy.mjs';
import { chart } from './chart.mjs';

const FILTERS = { nothing: 'nothing', trio: 'oauth2, jwt_authn, rbac', tenantgate: 'Tenantgate' };
const micro = ({ median, quartiles: [low, high] }) => [median.toFixed(1), `${low.toFixed(1)} to ${high.toFixed(1)}`];
const ratioOf = ({ median, quartiles: [low, high] }) => [median.toFixed(2), `${low.toFixed(2)} to ${high.toFixed(2)}`];
const milli = ({ median }) => (median / 1000).toFixed(2);

/** Whether the median meets the target, compared with the digits that are shown. */
const verdict = ({ ratio, target }) => (target === undefined ? '' : Number(ratio.median.toFixed(2)) <= target ? 'met' : 'missed');

function tables({ cases, ratios, protocols }) {
  const list = [
    {
      head: ['ratio', 'median', 'quartiles', 'target', '', 'host calls alone'],
      rows: ratios.map((row) => [
        row.title, ...ratioOf(row.ratio), row.target?.toFixed(2) ?? '', verdict(row), row.hostCallsAlone ? ratioOf(row.hostCallsAlone)[0] : '',
      ]),
    },
    { head: ['case', 'microseconds', 'quartiles'], rows: cases.map(({ title, microseconds }) => [title, ...micro(microseconds)]) },
    {
      head: ['workers', 'protocol', 'filters', 'microseconds', 'quartiles', 'p50 in ms', 'p90', 'p99'],
      rows: protocols.map(({ workers, protocol, filters, microseconds, latency: { p50, p90, p99 } }) => [
        String(workers), protocol, FILTERS[filters], ...micro(microseconds), milli(p50), milli(p90), milli(p99),
      ]),
    },
  ];
  return list.filter(({ rows }) => rows.length > 0);
}

/** What a reader has to know of the run. */
const about = ({ date, envoy, machine: { processors, others, stolen }, rounds }) => (
  `Envoy ${envoy} on ${date}: ${rounds} rounds on ${processors} processors, of which other work used ${Math.max(0, others + stolen).toFixed(1)}.`);

const rulesLine = ({ microseconds, target }) => {
  const [median, quartiles] = micro(microseconds);
  return `1,000 rules instead of 10: ${median} microseconds more (${quartiles}; target: less than ${target}).`;
};

export function print(results) {
  for (const { head, rows } of tables(results)) {
    const widths = head.map((title, column) => Math.max(...[title, ...rows.map((row) => row[column])].map((text) => text.length)));
    console.log('');
    for (const row of [head, ...rows]) console.log(row.map((text, column) => text.padEnd(widths[column])).join('  ').trimEnd());
  }
  if (results.rules) console.log(`\n${rulesLine(results.rules)}`);
  console.log(`\n${about(results)}`);
}

const markdown = ({ head, rows }) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** Writes docs/performance.json, the chart, and the tables between the marks in the document. */
export function write(results) {
  const docs = (name) => join(TOP, 'docs', name);
  writeFileSync(docs('performance.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(docs('performance.svg'), chart(results));
  let text = readFileSync(docs('performance.md'), 'utf8');
  const place = (name, content) => {
    const mark = `<!-- ./build.sh bench --write: ${name} -->`;
    const parts = text.split(mark);
    if (parts.length !== 3) throw new Error(`docs/performance.md has "${mark}" ${parts.length - 1} times, not twice`);
    text = [parts[0], `\n\n${content}\n\n`, parts[2]].join(mark);
  };
  place('run', about(results));
  place('rules', rulesLine(results.rules));
  tables(results).forEach((table, i) => place(`table ${i + 1}`, markdown(table)));
  writeFileSync(docs('performance.md'), text);
}
