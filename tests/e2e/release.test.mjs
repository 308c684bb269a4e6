/** Tier `release`: the files that `./build.sh release` made, as somebody who downloads them uses them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { listedAccounts, people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';
import { origin, startStack } from './stack.mjs';

const DIST = join(TOP, 'target/dist');
const version = readFileSync(join(TOP, 'Cargo.toml'), 'utf8').match(/^version = "(.*)"$/m)[1];
const base = `tenantgate-${version}`;
const MODULE = `${base}.wasm`;
const TOOL = `${base}-x86_64-linux`;

const read = (name) => readFileSync(join(DIST, name));
const json = (name) => JSON.parse(read(name));
const sha256 = (content) => createHash('sha256').update(content).digest('hex');
const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const checksums = () => Object.fromEntries(read('SHA256SUMS').toString().trim().split('\n').map((line) => line.split('  ').reverse()));

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
let ports, registry;

before(async () => {
  ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin', 'registry']);
  const config = join(dir, 'registry.yaml');
  writeFileSync(config, JSON.stringify({
    version: 0.1, storage: { filesystem: { rootdirectory: join(dir, 'registry') } }, http: { addr: `127.0.0.1:${ports.registry}` },
  }));
  registry = startProcess('docker-registry', ['serve', config], { log: join(dir, 'registry.log') });
  await waitFor(registry, async () => assert.equal((await fetch(`http://127.0.0.1:${ports.registry}/v2/`)).status, 200));
});

after(async () => {
  await registry?.stop();
  rmSync(dir, { recursive: true, force: true });
});

test('every file has its checksum', () => {
  const listed = checksums();
  assert.deepEqual(Object.keys(listed).sort(), readdirSync(DIST).filter((name) => !['SHA256SUMS', 'provenance.json', 'image'].includes(name)).sort());
  for (const [name, digest] of Object.entries(listed)) assert.equal(sha256(read(name)), digest, name);
});

test('the module is the one that the other tiers test', () => {
  assert.ok(read(MODULE).equals(readFileSync(join(TOP, 'target/tenantgate.wasm'))));
});

test('no file names a folder of this machine', () => {
  for (const name of readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
    const content = readFileSync(join(name.parentPath ?? name.path, name.name));
    for (const folder of [TOP, `${homedir()}/`, process.env.CARGO_HOME, process.env.RUSTUP_HOME]) {
      if (folder) assert.ok(!content.includes(folder), `${name.name} has ${folder}`);
    }
  }
});

/** Istio and Envoy Gateway take `plugin.wasm` from the last layer, if it has this media type. */
test('the image goes through a registry, and Envoy runs what comes out', async () => {
  const name = `127.0.0.1:${ports.registry}/tenantgate:${version}`;
  run('skopeo', 'copy', '--insecure-policy', '--dest-tls-verify=false', `oci-archive:${join(DIST, `${base}-image.tar`)}`, `docker://${name}`);
  run('skopeo', 'copy', '--insecure-policy', '--src-tls-verify=false', `docker://${name}`, `dir:${join(dir, 'pulled')}`);
  const pulled = readFileSync(join(dir, 'pulled/manifest.json'));
  const [{ digest }] = json('image/index.json').manifests;
  assert.equal(`sha256:${sha256(pulled)}`, digest);
  const { mediaType, layers } = JSON.parse(pulled);
  assert.equal(mediaType, 'application/vnd.oci.image.manifest.v1+json');
  assert.deepEqual(layers.map((layer) => layer.mediaType), ['application/vnd.oci.image.layer.v1.tar+gzip']);
  run('tar', '--extract', '--gzip', '--directory', dir, '--file', join(dir, 'pulled', layers[0].digest.replace('sha256:', '')), 'plugin.wasm');
  const plugin = join(dir, 'plugin.wasm');
  assert.equal(sha256(readFileSync(plugin)), checksums()[MODULE]);

  process.env.TENANTGATE_WASM = plugin;
  const stack = await startStack({ ports, dir: join(dir, 'stack'), accounts: listedAccounts });
  try {
    const [{ uid, password }] = people.acme;
    const page = `${origin('acme', ports)}/page`;
    assert.equal((await new Client().open(page)).status, 302);
    assert.equal((await new Client().signIn(page, uid, password)).status, 200);
  } finally {
    await stack.stop();
  }
});

test('the tool needs nothing of the system', () => {
  assert.deepEqual(interpreters(read(TOOL)), []);
});

/** The commands find no program but these, so neither Rust nor Node nor Python. */
test('the commands of docs/release.md need the files that are downloaded, and no toolchain', () => {
  const [programs, downloads] = ['programs', 'downloads'].map((name) => join(dir, name));
  for (const folder of [programs, downloads]) mkdirSync(folder);
  for (const name of ['sha256sum', 'tar', 'gzip', 'chmod']) symlinkSync(run('sh', '-c', `command -v ${name}`).trim(), join(programs, name));
  for (const name of ['SHA256SUMS', ...Object.keys(checksums())]) copyFileSync(join(DIST, name), join(downloads, name));
  const shell = (command) => execFileSync('/bin/sh', ['-e', '-c', command], { cwd: downloads, env: { PATH: programs }, encoding: 'utf8' });
  const [, block] = readFileSync(join(TOP, 'docs/release.md'), 'utf8').match(/No toolchain is needed:\n\n```console\n(.*?)```/s);
  const commands = Array.from(block.matchAll(/^\$ (.*)$/gm), ([, command]) => command);
  assert.ok(commands.length >= 4, `${commands.length} commands`);
  const said = shell(commands.join('\n'));
  for (const name of Object.keys(checksums())) assert.ok(said.includes(`${name}: OK\n`), said);
  assert.equal(shell(`./${TOOL} --version`), `tenantgate ${version}\n`);
  assert.match(shell(`./${TOOL} session-key`), /^[\w+/]{43}=\n$/);
});

/** The dynamic linkers (`PT_INTERP`) that a program in the format ELF asks for. */
function interpreters(program) {
  const [start, size, count] = [Number(program.readBigUInt64LE(32)), program.readUInt16LE(54), program.readUInt16LE(56)];
  const headers = Array.from({ length: count }, (_, index) => program.readUInt32LE(start + index * size));
  assert.equal(program.toString('latin1', 1, 4), 'ELF');
  assert.ok(headers.length > 0);
  return headers.filter((type) => type === 3);
}

test('the bills of materials are valid and name what is in the files', () => {
  const crates = {};
  for (const name of [MODULE, TOOL]) {
    run(join(TOP, 'target/venv/bin/python3'), '-c', VALIDATE, join(DIST, `${name}.cdx.json`));
    const { metadata, components } = json(`${name}.cdx.json`);
    assert.deepEqual(metadata.component.hashes, [{ alg: 'SHA-256', content: checksums()[name] }]);
    crates[name] = components.map((component) => `${component.name}-${component.version}`);
    // The messages of panics name the crates that they are in.
    const named = new Set(Array.from(read(name).toString('latin1').matchAll(/\/crates\/([\w-]+-\d+\.\d+\.\d+)/g), ([, crate]) => crate));
    assert.ok(named.size > 5, `${name} names ${named.size} crates`);
    for (const crate of named) assert.ok(crates[name].includes(crate), `${name} contains ${crate}`);
    // Only tests use this one, and it is in no release.
    assert.ok(!crates[name].some((crate) => crate.startsWith('proptest-')));
  }
  const only = (one, other, crate) => crates[one].some((it) => it.startsWith(crate)) && !crates[other].some((it) => it.startsWith(crate));
  assert.ok(only(MODULE, TOOL, 'proxy-wasm-') && only(MODULE, TOOL, 'wasi-libc-'));
  assert.ok(only(TOOL, MODULE, 'clap-') && only(TOOL, MODULE, 'musl-1.'));
});

const VALIDATE = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()))
`;

test('there is a license for everything', () => {
  const text = read(`${base}-licenses.txt`).toString();
  for (const name of [MODULE, TOOL]) {
    for (const component of json(`${name}.cdx.json`).components) {
      const title = `${component.name}${component.version ? ` ${component.version}` : ''}`;
      const block = text.split(/^=+$/m).filter((_, index) => index % 2 === 1).find((heading) => heading.includes(title) || heading.includes(`${component.name} (`));
      assert.ok(block, `no text for ${title}`);
    }
  }
  // In a folder below that of the crate ring.
  assert.ok(text.includes('the fiat-crypto authors'));
  assert.match(read(`${base}-licenses-rust.html`).toString(), /Copyright notices for The Rust Standard Library/);
});

test('the provenance is about these files and this commit', () => {
  const { _type, subject, predicateType, predicate } = json('provenance.json');
  assert.deepEqual([_type, predicateType], ['https://in-toto.io/Statement/v1', 'https://slsa.dev/provenance/v1']);
  assert.deepEqual(Object.fromEntries(subject.map(({ name, digest }) => [name, digest.sha256])), checksums());
  assert.deepEqual(predicate.buildDefinition.resolvedDependencies.filter(({ uri, digest }) => !uri && !digest), []);
  const commit = run('git', '-C', TOP, 'rev-parse', 'HEAD').trim();
  assert.deepEqual(predicate.buildDefinition.resolvedDependencies[0], { name: 'source', digest: { gitCommit: commit } });
});
