import { readFileSync } from 'node:fs';

/** The memory of a process in KiB: `VmRSS` is what it has now, `VmHWM` the most that it ever had. */
export function residentKilobytes(pid, name = 'VmRSS') {
  const [, kilobytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${name}:\\s+(\\d+) kB`));
  return Number(kilobytes);
}
