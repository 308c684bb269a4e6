/**
 * Compares the mutants that survived a run of cargo-mutants with the list in survivors.txt, for the
 * files that were mutated: `node tests/mutants/compare.mjs target/mutants/mutants.out`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [out] = process.argv.slice(2);
const lines = (file) => readFileSync(file, 'utf8').split('\n').filter((line) => line.startsWith('src/'));
/** A name without the line and the column, which move with every change. */
const withoutPlace = (name) => name.replace(/:\d+:\d+: /, ': ');
const fileOf = (name) => name.split(':')[0];

const mutated = new Set(JSON.parse(readFileSync(join(out, 'mutants.json'), 'utf8')).map((mutant) => mutant.file));
const survived = lines(join(out, 'missed.txt')).map(withoutPlace);
const listed = lines(new URL('survivors.txt', import.meta.url)).filter((name) => mutated.has(fileOf(name)));

/** What `names` has more of than `others`. */
function surplus(names, others) {
  const rest = [...others];
  return names.filter((name) => {
    const at = rest.indexOf(name);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

const found = surplus(survived, listed);
const gone = surplus(listed, survived);
for (const name of found) console.error(`survived, and is not listed: ${name}`);
for (const name of gone) console.error(`is listed, and did not survive: ${name}`);
console.log(`${mutated.size} files, ${survived.length} mutants survived, ${listed.length} listed`);
process.exitCode = found.length + gone.length > 0 ? 1 : 0;
