/** The figures of a run: medians of rounds, with their spread. */
import { CASES } from './cases.mjs';

const rounded = (value) => Number(value.toFixed(value < 10 ? 3 : 1));

/** The median and the quartiles. */
export function spread(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (part) => {
    const place = part * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { median: rounded(at(0.5)), quartiles: [rounded(at(0.25)), rounded(at(0.75))] };
}

/** The costs of the cases, and the ratios of two costs in the same round. */
export function caseFigures(costs, ratios) {
  const { rules10, rules1000 } = costs;
  const ratio = (ours, theirs) => spread(costs[ours].map((cost, round) => cost / costs[theirs][round]));
  return {
    ...(rules10 && rules1000 && { rules: { microseconds: spread(rules1000.map((cost, round) => cost - rules10[round])), target: 2 } }),
    cases: Object.keys(costs).map((name) => ({ name, title: CASES[name].title, microseconds: spread(costs[name]) })),
    ratios: ratios.map(({ title, ours, theirs, target, calls }) => ({
      title, case: ours, to: theirs, ratio: ratio(ours, theirs), ...(target && { target }), ...(calls && { hostCallsAlone: ratio(calls, theirs) }),
    })),
  };
}

/** What `measureProtocols` found, with this many workers. */
export function protocolFigures(rows, workers) {
  const nothing = (protocol) => rows.find((row) => row.protocol === protocol && row.name === 'nothing').costs;
  return rows.map(({ protocol, name, costs, times }) => ({
    workers, protocol, filters: name,
    microseconds: spread(costs.map((cost, round) => (name === 'nothing' ? cost : cost - nothing(protocol)[round]))),
    latency: Object.fromEntries(['p50', 'p90', 'p99'].map((part) => [part, spread(times.map((time) => time[part]))])),
  }));
}
