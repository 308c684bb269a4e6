/**
 * Modules that make the host calls of Tenantgate in a case, and nothing else: what the case costs at
 * least. The test `hot_paths.rs` has the same calls.
 */
import { sign } from 'node:crypto';

import {
  makesCalls, readHead, readRandom, readTime, removeHeader, replaceHead, replaceHeader, reply, verifySignature,
} from '../baseline_filters.mjs';
import { accessToken, GROUPS, HOST, ISSUER, keys } from './identity.mjs';
import { browserRequest } from './messages.mjs';

const identity = (user, groups) => [
  ['x-auth-request-user', user], ['x-auth-request-email', 'user@acme.example'], ['x-auth-request-groups', groups.join(',')],
  ['x-auth-request-tenant', 'acme'],
];
const writes = (headers) => headers.map(([header, value]) => replaceHeader(header, value));

/** What a browser sends without a session, as the upstream gets it. */
const visitor = browserRequest().headers;
const [, foreignCookies] = visitor.find(([header]) => header === 'cookie');

function freshToken(alg) {
  const text = accessToken(alg, 0).split('.').slice(0, 2).join('.');
  const key = keys[alg].publicKey.export({ type: 'spki', format: 'der' });
  return makesCalls(
    readHead(), readTime(), removeHeader('authorization'), ...writes(identity('user-0', GROUPS.few.slice(0, 2))),
    verifySignature({ hash: 'sha256', key, signature: sign('sha256', text, keys[alg].privateKey), text }),
  );
}

const session = (groups) => makesCalls(readHead(), readTime(), replaceHeader('cookie', foreignCookies), ...writes(identity('user-0', groups)));

/** Answers of about the size of Tenantgate's. */
const refusal = reply(
  401, '{"error":"invalid_token","error_description":"x","request_id":"00000000-0000-0000-0000-000000000000"}',
  [['cache-control', 'no-store'], ['content-type', 'application/json'], ['www-authenticate', 'Bearer error="invalid_token"']],
);
const redirect = reply(302, '', [
  ['cache-control', 'no-store'], ['referrer-policy', 'no-referrer'], ['x-content-type-options', 'nosniff'], ['vary', 'cookie'],
  ['location', `${ISSUER}/auth?response_type=code&client_id=gate&redirect_uri=${encodeURIComponent(`https://${HOST}/oauth2/callback`)}&scope=openid%20profile%20email%20groups&state=${'s'.repeat(43)}&nonce=${'n'.repeat(43)}&code_challenge=${'c'.repeat(43)}&code_challenge_method=S256`],
  ['set-cookie', `__Host-tenantgate-login-${'i'.repeat(8)}=${'v'.repeat(260)}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600`],
  ['set-cookie', `__Host-tenantgate-redirect-loop=${'v'.repeat(40)}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=30`],
]);

/** The modules, by the name of their listener. */
export const HOST_CALLS = {
  callsRS256: () => freshToken('RS256'),
  callsES256: () => freshToken('ES256'),
  callsKnown: () => makesCalls(readHead(), readTime(), removeHeader('authorization'), ...writes(identity('user-0', GROUPS.few.slice(0, 2)))),
  callsSession: () => session(GROUPS.few),
  callsGroups: () => session(GROUPS.many),
  /** As `callsSession`, with one write of all headers instead of one for each change. */
  callsOneWrite: () => makesCalls(readHead(), readTime(), replaceHead([
    [':authority', HOST], [':path', '/'], [':method', 'GET'], [':scheme', 'http'], ...visitor, ['x-forwarded-proto', 'http'],
    ['x-request-id', '00000000-0000-0000-0000-000000000000'], ...identity('user-0', GROUPS.few),
  ])),
  callsNoTime: () => makesCalls(readHead(), replaceHeader('cookie', foreignCookies), ...writes(identity('user-0', GROUPS.few))),
  callsRedirect: () => makesCalls(readHead(), readTime(), readRandom(32), readRandom(24), redirect),
  callsRefusal: () => makesCalls(readHead(), readTime(), refusal),
  nothing: () => makesCalls(),
  reads: () => makesCalls(readHead(), refusal),
};
