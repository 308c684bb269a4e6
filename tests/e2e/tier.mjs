/**
 * Runs files of tests, as many at a time as there are processors: node tier.mjs FILE...
 *
 * `node --test` keeps one processor for itself. These tests wait for servers most of the time.
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { tap } from 'node:test/reporters';

const tests = run({ files: process.argv.slice(2).map((file) => resolve(file)), concurrency: availableParallelism() });
tests.on('test:fail', () => { process.exitCode = 1; });
tests.compose(tap).pipe(process.stdout);
