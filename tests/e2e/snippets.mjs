/**
 * The examples of the reference that verify an assertion, as programs. Each is put as it is into
 * the program of its language in `tests/snippets`, in a copy below `target/snippets`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { TOP } from './envoy.mjs';

/**
 * - `name` is that of the folder in `tests/snippets`, and of the example's language in Markdown.
 * - `needs` lists the commands without which this machine does not have the language.
 * - `prepare` lists the commands that install the libraries and build the program. `run` runs it.
 */
const LANGUAGES = [
  {
    name: 'js', needs: ['node'],
    prepare: [['ln', '-sfn', join(TOP, 'tests/e2e/node_modules'), 'node_modules']],
    run: ['node', 'main.mjs'],
  },
  {
    name: 'python', needs: ['python3'],
    prepare: [['python3', '-m', 'venv', 'venv'], ['venv/bin/pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt']],
    run: ['venv/bin/python3', 'main.py'],
  },
  {
    name: 'go', needs: ['go'],
    prepare: [['go', 'build', '-buildvcs=false', '-o', 'main', '.']],
    run: ['./main'],
  },
  {
    name: 'java', needs: ['mvn', 'javac'],
    prepare: [['mvn', '--batch-mode', '--quiet', '--strict-checksums', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], ['javac', '-cp', 'lib/*', 'Main.java']],
    // The library would write that there is no logger.
    run: ['java', '-Dslf4j.internal.verbosity=ERROR', '-cp', 'lib/*:.', 'Main'],
  },
  {
    name: 'rust', needs: ['cargo'],
    prepare: [['cargo', 'build', '--locked', '--quiet', '--target-dir', 'target']],
    run: ['target/debug/main'],
  },
];

const has = (command) => process.env.PATH.split(':').some((folder) => existsSync(join(folder, command)));

/** The languages that this machine has. */
export const languages = LANGUAGES.filter(({ needs }) => needs.every(has));

/** The others, as text with the commands that are missing. */
export const absent = LANGUAGES.filter((language) => !languages.includes(language))
  .map(({ name, needs }) => `${name} (there is no ${needs.filter((command) => !has(command)).join(' and no ')})`);

/** The lines of the only example in a language in the section about the assertion. */
function example(name) {
  const section = readFileSync(join(TOP, 'docs/configuration.md'), 'utf8').split('\n## A signed assertion')[1];
  const [, found, ...more] = section.split(`\`\`\`${name}\n`);
  if (found === undefined || more.length > 0) throw new Error(`the reference does not have exactly one example in ${name}`);
  return found.split('\n```')[0].split('\n');
}

/** `text` with the example in place of the line that says so, indented as that line is. */
function withExample(text, lines) {
  const marker = /^([ \t]*)(?:\/\/|#) EXAMPLE$/m;
  if (!marker.test(text)) return text;
  // In JavaScript, imports are at the top of a file.
  const isImport = (line) => line.startsWith('import {');
  const body = (indent) => lines.filter((line) => !isImport(line)).map((line) => line && indent + line);
  return [...lines.filter(isImport), text.replace(marker, (_, indent) => body(indent).join('\n'))].join('\n');
}

/**
 * Builds the program of a language and starts it. `verify(jwks, audience, assertion)` returns
 * `{claims}` or `{refused: reason}`. It fails if the program ended, as it does by an error of another
 * kind than those that its library has for a JWT.
 */
export async function startSnippet({ name, prepare, run }) {
  const source = join(TOP, 'tests/snippets', name);
  const cwd = join(TOP, 'target/snippets', name);
  const lines = example(name);
  mkdirSync(cwd, { recursive: true });
  for (const file of readdirSync(source)) {
    writeFileSync(join(cwd, file), withExample(readFileSync(join(source, file), 'utf8'), lines));
  }
  for (const [command, ...args] of prepare) {
    const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
  }
  const child = spawn(run[0], run.slice(1), { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.on('error', () => {});
  return {
    async verify(...words) {
      child.stdin.write(`${words.join(' ')}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`the program in ${name} ended`);
      return JSON.parse(value);
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
