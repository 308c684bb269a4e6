/** How busy the machine was with the work of others, which makes the figures less exact. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Ticks of a second in /proc. */
const TICKS = 100;

function ticks() {
  const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
  // The name of the program is in brackets. Then come utime, stime and those of ended children.
  const own = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /s, '').split(' ').slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
  return { others: user + nice + system - own, steal, at: Date.now() };
}

/**
 * Begins to watch. The result ends it, when all processes of the benchmark have ended: how many
 * processors other processes, and other machines on the same hardware, used on average.
 */
export function watchMachine() {
  const before = ticks();
  return () => {
    const after = ticks();
    const used = (name) => Number(((after[name] - before[name]) / TICKS / ((after.at - before.at) / 1000)).toFixed(2));
    return { processors: cpus().length, others: used('others'), stolen: used('steal') };
  };
}
