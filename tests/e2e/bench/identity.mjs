/** Who asks in the benchmark: the keys of the issuer, its tokens and the people in them. */
import { sign } from 'node:crypto';

import { keyPair } from '../key_pair.mjs';

export const ISSUER = 'https://issuer.example';
export const HOST = 'acme.example';

export const keys = {
  RS256: keyPair('rsa', { modulusLength: 2048 }),
  ES256: keyPair('ec', { namedCurve: 'P-256' }),
};

export const jwks = { keys: Object.entries(keys).map(([alg, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig' })) };

/** The groups of a person, and of one in so many groups that the session needs three cookies. */
export const GROUPS = {
  few: ['engineers', 'admins', 'on-call', 'staff'],
  many: ['engineers', ...Array.from({ length: 199 }, (_, i) => `department-${i % 8}-project-${i}-writers`)],
};

/** A JWT with these claims. `key` is a private key. */
export function jwt({ alg, kid = alg, typ, key = keys[alg].privateKey }, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg, kid, typ })}.${part(claims)}`;
  return `${input}.${sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const lifetime = () => {
  const iat = Math.floor(Date.now() / 1000);
  return { iat, exp: iat + 7200 };
};
const person = (groups) => ({ email: 'user@acme.example', email_verified: true, groups });

/** A bearer token of an API client. */
export function accessToken(alg, number, { issuer = ISSUER, kid = alg, groups = GROUPS.few.slice(0, 2) } = {}) {
  return jwt({ alg, kid, typ: 'at+jwt' }, { iss: issuer, aud: 'api', sub: `user-${number}`, ...person(groups), ...lifetime() });
}

/** An ID token, the answer to an authorization request with this nonce. */
export function idToken({ alg, kid, key, issuer, nonce, groups, client_id }) {
  return jwt({ alg, kid, key, typ: 'JWT' }, { iss: issuer, aud: client_id, sub: 'user-0', nonce, ...person(groups), ...lifetime() });
}
