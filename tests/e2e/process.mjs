/** Child processes. `stop` waits until the process has ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Starts `command` in the directory `cwd` and writes its output to the file `log`. A process that
 * has not ended `grace` seconds after `stop` is killed.
 */
export function startProcess(command, args, { log, env = {}, grace = 5, cwd }) {
  const output = openSync(log, 'w');
  const path = `${process.env.PATH}:/usr/sbin`;
  const child = spawn(command, args, { cwd, stdio: ['ignore', output, output], env: { ...process.env, PATH: path, ...env } });
  const ended = once(child, 'exit').catch(() => {});
  let failure;
  child.on('error', (error) => { failure = error; });
  return {
    log,
    pid: child.pid,
    /** Why the process has ended, if it has. */
    problem() {
      if (failure) return `${command} could not be started: ${failure.message}`;
      if (child.exitCode === null && child.signalCode === null) return undefined;
      return `${command} ended with ${child.exitCode ?? child.signalCode}:\n${tail(log)}`;
    },
    /** Ends the process at once, as a crash does. */
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.kill('SIGKILL'), grace * 1000);
      await ended;
      clearTimeout(forced);
    },
  };
}

/** Repeats `attempt` until it succeeds. Fails if the process ends, or after so many seconds. */
export async function waitFor(running, attempt, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const problem = running.problem();
      if (problem) throw new Error(problem);
      if (Date.now() > deadline) throw new Error(`no answer after ${seconds} s: ${error.message}\n${tail(running.log)}`);
      await sleep(50);
    }
  }
}

const tail = (log) => readFileSync(log, 'utf8').split('\n').slice(-15).join('\n');
