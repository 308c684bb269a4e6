/** Tier `snippets`: the examples of the reference that verify an assertion, each in its language. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { CompactSign } from 'jose';

import { values } from './assertions.mjs';
import { Client } from './client.mjs';
import { keyPair } from './key_pair.mjs';
import { listedAccounts, people } from './people.mjs';
import { freePorts } from './ports.mjs';
import { absent, languages, startSnippet } from './snippets.mjs';
import { origin, startStack } from './stack.mjs';

const AUDIENCE = 'https://acme.localhost';

/** Key pairs by algorithm. The key ID is the name of the algorithm. */
const makeKeys = () => ({
  ES256: keyPair('ec', { namedCurve: 'P-256' }),
  EdDSA: keyPair('ed25519'),
  ES384: keyPair('ec', { namedCurve: 'P-384' }),
  RS256: keyPair('rsa', { modulusLength: 2048 }),
});

// Tenantgate publishes no keys for ES384 and RS256. Here it does, so that only the list of
// algorithms refuses their assertions.
const [keys, otherKeys] = [makeKeys(), makeKeys()];
const published = Object.entries(keys).map(([alg, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig' }));

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The times of an assertion for five minutes that ends in so many seconds. */
const lasting = (seconds) => {
  const end = Math.floor(Date.now() / 1000) + seconds;
  return { iat: end - 300, exp: end };
};

/**
 * An assertion as Tenantgate signs it, with changes: `header` and `claims` replace members of those,
 * `undefined` removes one. `key` signs; without one there is no signature.
 */
async function sign({ alg = 'ES256', key = keys[alg]?.privateKey, header = {}, claims = {} } = {}) {
  const protectedHeader = { alg, kid: alg, typ: 'tenantgate-assertion+jwt', ...header };
  const payload = { iss: 'tenantgate', aud: AUDIENCE, sub: 'ada', tenant: 'acme', ...lasting(300), ...claims };
  if (!key) return `${base64url(protectedHeader)}.${base64url(payload)}.`;
  return new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader(protectedHeader).sign(key);
}

/** `assertion` with another part: 1 is the payload, 2 the signature. */
const withPart = (assertion, number, change) => assertion.split('.').map((part, index) => (index === number ? change(part) : part)).join('.');
const otherUser = (payload) => base64url({ ...JSON.parse(Buffer.from(payload, 'base64url')), sub: 'grace' });
const otherBit = (signature) => {
  const bytes = Buffer.from(signature, 'base64url');
  bytes[20] ^= 1;
  return bytes.toString('base64url');
};

const GOOD = {
  'with ES256': () => sign(),
  'with EdDSA': () => sign({ alg: 'EdDSA' }),
  'for several audiences': () => sign({ claims: { aud: ['https://globex.localhost', AUDIENCE] } }),
  'whose end is ten seconds ago': () => sign({ claims: lasting(-10) }),
  'of a clock that is ten seconds ahead': () => sign({ claims: lasting(310) }),
};

const BAD = {
  'of another type': () => sign({ header: { typ: 'JWT' } }),
  'without a type': () => sign({ header: { typ: undefined } }),
  'of another issuer': () => sign({ claims: { iss: 'other' } }),
  'without an issuer': () => sign({ claims: { iss: undefined } }),
  'for another audience': () => sign({ claims: { aud: 'https://globex.localhost' } }),
  'without an audience': () => sign({ claims: { aud: undefined } }),
  'whose end is two minutes ago': () => sign({ claims: lasting(-120) }),
  'without an end': () => sign({ claims: { exp: undefined } }),
  'without a user': () => sign({ claims: { sub: undefined } }),
  'without a tenant': () => sign({ claims: { tenant: undefined } }),
  'with the algorithm none': () => sign({ alg: 'none', header: { kid: 'ES256' } }),
  'without a signature': async () => withPart(await sign(), 2, () => ''),
  'with HS256 and the bytes of the public key': () => sign({ alg: 'HS256', key: keys.ES256.publicKey.export({ type: 'spki', format: 'der' }), header: { kid: 'ES256' } }),
  'with HS256 and the text of the public key': () => sign({ alg: 'HS256', key: Buffer.from(keys.ES256.publicKey.export({ type: 'spki', format: 'pem' })), header: { kid: 'ES256' } }),
  'with ES384': () => sign({ alg: 'ES384' }),
  'with RS256': () => sign({ alg: 'RS256' }),
  'with EdDSA and the name of the key for ES256': () => sign({ alg: 'EdDSA', header: { kid: 'ES256' } }),
  'with ES256 and the name of the key for EdDSA': () => sign({ header: { kid: 'EdDSA' } }),
  ...Object.fromEntries(['ES256', 'EdDSA'].flatMap((alg) => Object.entries({
    [`with ${alg} and other claims than were signed`]: async () => withPart(await sign({ alg }), 1, otherUser),
    [`with ${alg} and another signature`]: async () => withPart(await sign({ alg }), 2, otherBit),
    [`with ${alg} by a key of another set`]: () => sign({ alg, key: otherKeys[alg].privateKey }),
    [`with ${alg} by a key of another set and its name`]: () => sign({ alg, key: otherKeys[alg].privateKey, header: { kid: `other-${alg}` } }),
  }))),
};

/** A set of keys by the path that serves it. */
const sets = { '/': JSON.stringify({ keys: published }) };
const server = createServer((request, response) => response.end(sets[request.url]));

/** What the upstream of acme receives as the assertion, and the set of keys of that host. */
async function fromTheGate(key) {
  const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
  const ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin']);
  const sections = { assertion: { keys: [{ pem: key.export({ type: 'pkcs8', format: 'pem' }) }] } };
  const stack = await startStack({ ports, dir, accounts: listedAccounts, sections });
  try {
    const { uid, password } = people.acme[0];
    const client = new Client();
    assert.equal((await client.signIn(`${origin('acme', ports)}/`, uid, password)).status, 200);
    const [assertion] = values(stack.received.at(-1), 'x-tenantgate-assertion');
    const { body } = await client.send(`${origin('acme', ports)}/.well-known/tenantgate/jwks.json`);
    return { assertion, set: body };
  } finally {
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

const fromGate = {};
let jwks;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  jwks = `http://127.0.0.1:${server.address().port}`;
  for (const alg of ['ES256', 'EdDSA']) {
    const { assertion, set } = await fromTheGate(keys[alg].privateKey);
    fromGate[alg] = assertion;
    sets[`/gate/${alg}`] = set;
  }
});

after(() => server.close());

// `./build.sh test` shows these lines once more below its counts.
for (const language of absent) console.log(`not tested: the example in ${language}`);

for (const language of languages) {
  describe(`the example in ${language.name}`, () => {
    let snippet;
    before(async () => { snippet = await startSnippet(language); });
    after(() => snippet?.stop());

    const takes = async (path, assertion, user) => {
      const { claims, refused } = await snippet.verify(`${jwks}${path}`, AUDIENCE, assertion);
      assert.deepEqual([claims?.sub, claims?.tenant], [user, 'acme'], refused);
    };

    for (const alg of ['ES256', 'EdDSA']) {
      test(`takes an assertion of Tenantgate with ${alg}`, () => takes(`/gate/${alg}`, fromGate[alg], people.acme[0].uid));
    }

    for (const [name, make] of Object.entries(GOOD)) {
      test(`takes an assertion ${name}`, async () => takes('/', await make(), 'ada'));
    }

    for (const [name, make] of Object.entries(BAD)) {
      test(`refuses an assertion ${name}`, async () => {
        const { claims, refused } = await snippet.verify(`${jwks}/`, AUDIENCE, await make());
        assert.deepEqual([claims, typeof refused], [undefined, 'string']);
      });
    }
  });
}
