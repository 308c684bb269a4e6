/** The files and commands of a guide in docs/guides, as they stand in its Markdown. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { TOP } from './envoy.mjs';

/**
 * The sections of a guide by heading: `{heading: [block]}`. A block is `{file, text}` where the
 * line above ends with the name of a file in backticks and a colon, or
 * `{steps: [{command, printed: [line]}]}` for a console, or else `{text}`.
 */
export function readGuide(name) {
  const sections = readFileSync(join(TOP, 'docs/guides', name), 'utf8').split(/^## /m).slice(1);
  return Object.fromEntries(sections.map((section) => {
    const blocks = [...section.matchAll(/^(.*)\n+```(\w+)\n([^]*?)^```$/gm)].map(([, above, language, text]) => {
      if (language === 'console') return { steps: stepsIn(text) };
      return { file: above.match(/`([^`]+)`:$/)?.[1], text };
    });
    return [section.split('\n')[0], blocks];
  }));
}

/**
 * The text of the file `name` in the section `heading` of a guide. `here` maps addresses of the
 * guide to others.
 */
export function fileIn(guide, heading, name, here = {}) {
  const { text } = guide[heading].find(({ file }) => file === name);
  return Object.entries(here).reduce((changed, [from, to]) => changed.replaceAll(from, to), text);
}

/** The lines of a block in the section `heading` that is neither a file nor a console. */
export const linesIn = (guide, heading, number = 0) => guide[heading].filter(({ file, text }) => text && !file)[number].text.trimEnd().split('\n');

/** The commands of a console, and the lines that each prints. A backslash continues a command. */
function stepsIn(text) {
  const steps = [];
  for (const line of text.trimEnd().split('\n')) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), printed: [] });
    else if (last.printed.length === 0 && last.command.endsWith('\\')) last.command += `\n${line}`;
    else last.printed.push(line);
  }
  return steps;
}

/** A shell in the folder `dir` that runs the blocks of a guide, each changed by `adapt`. */
export function startShell({ dir, env, adapt }) {
  // A process group, so that what the commands started can be ended with it.
  const shell = spawn('bash', [], { cwd: dir, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  let output = '';
  let arrived = () => {};
  shell.stdout.setEncoding('utf8').on('data', (text) => { output += text; arrived(); });
  let closed = false;
  shell.on('close', () => { closed = true; arrived(); });
  shell.stdin.on('error', () => {});
  shell.stdin.write('exec 2>&1\n');
  /** What `command` prints. Fails with that if the command does. */
  const run = async (command) => {
    // Of a quote that is left open, the shell would wait for the end.
    const { status, stderr } = spawnSync('bash', ['-n'], { input: command, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command}\nis no command: ${stderr}`);
    output = '';
    shell.stdin.write(`${command}\nprintf '\\n%s %s\\n' ${MARK} $?\n`);
    let end;
    while (!(end = output.match(ENDED))) {
      if (closed) throw new Error(`${command}\nended the shell:\n${output}`);
      await new Promise((resolve) => { arrived = resolve; });
    }
    const printed = output.slice(0, end.index);
    if (end[1] !== '0') throw new Error(`${command}\nended with ${end[1]}:\n${printed}`);
    return printed;
  };
  return {
    /** Writes the files of `blocks` and runs their commands, which print what the guide says. */
    async play(blocks) {
      for (const { file, text, steps = [] } of blocks) {
        if (file) writeFileSync(join(dir, file), adapt(text));
        for (const { command, printed } of steps) expectLines(command, await run(adapt(command)), printed.map(adapt));
      }
    },
    run,
    stop() {
      try {
        process.kill(-shell.pid, 'SIGTERM');
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    },
  };
}

/** Fails unless `lines` are in `output` in this order. `...` in a line stands for anything. */
export function expectLines(what, output, lines) {
  const actual = output.split('\n');
  let from = 0;
  for (const line of lines.filter((each) => each.trim() !== '...')) {
    const pattern = new RegExp(`^${line.split('...').map(literal).join('.*')}$`);
    const at = actual.findIndex((each, index) => index >= from && pattern.test(each.trimEnd()));
    if (at < 0) throw new Error(`the guide has for ${what}\n${line}\nThere is\n${output}`);
    from = at + 1;
  }
}

const MARK = 'end-of-a-step';
const ENDED = new RegExp(`\\n${MARK} (\\d+)\\n`);
const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
