/** The requests that the cases send, by name. */
import { randomBytes } from 'node:crypto';

import { host, issuer } from '../many_tenants.mjs';
import { ORDERS } from './filters.mjs';
import { accessToken, GROUPS } from './identity.mjs';
import { manyTenants, TENANT_COUNTS } from './listeners.mjs';
import { signIn } from './login.mjs';
import { apiRequest, browserRequest } from './messages.mjs';

/** More tokens than any cache holds: a token has left the cache before it is sent again. */
const TOKENS = 12_000;

const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const bearer = (tokens) => tokens.map((token) => apiRequest(token));

/** Requests of so many of `count` tenants, evenly. One is the last tenant. */
const chosen = (count, wanted) => times(wanted, (i) => Math.floor((count * (i + 1)) / wanted) - 1);

/** For each name a function that makes the requests: logins need the listeners on `ports`. */
export function requests(ports) {
  const made = new Map();
  const once = (name, make) => async () => {
    if (!made.has(name)) made.set(name, await make());
    return made.get(name);
  };
  const fresh = Object.fromEntries(['RS256', 'ES256'].map((alg) => [alg, once(alg, () => times(TOKENS, (i) => accessToken(alg, i)))]));
  const session = (name, groups) => once(`${name} ${groups}`, () => signIn(ports[name], { groups: GROUPS[groups] }));
  const known = once('known', () => accessToken('RS256', 0));

  const threeCookies = async () => {
    const cookies = await session('guarded', 'many')();
    const parts = cookies.filter((cookie) => cookie.includes('tenantgate-session')).length;
    if (parts !== 3) throw new Error(`the session with 200 groups has ${parts} cookies, not three`);
    return cookies;
  };
  const ofTenants = (count, wanted) => ({
    session: async () => {
      const all = [];
      for (const number of chosen(count, wanted)) {
        const cookies = await signIn(ports[`tenants${count}`], { groups: GROUPS.few, host: host(number), issuer: issuer(number) });
        all.push(browserRequest({ host: host(number), session: cookies }));
      }
      return all;
    },
    bearer: async () => chosen(count, wanted).map((number) => apiRequest(manyTenants.token(number), { host: host(number) })),
  });

  return {
    none: async () => bearer(['none']),
    anonymous: async () => [apiRequest()],
    rs256: async () => bearer(await fresh.RS256()),
    es256: async () => bearer(await fresh.ES256()),
    known: async () => bearer([await known()]),
    knownOrders: async () => [apiRequest(await known(), { path: ORDERS })],
    tampered: async () => bearer((await fresh.RS256()).map((text) => `${text.slice(0, -8)}AAAAAAAA`)),
    junk: async () => bearer(times(TOKENS, () => randomBytes(300).toString('base64url'))),
    foreign: async () => bearer(times(TOKENS, (i) => accessToken('ES256', i, { issuer: 'https://other.example', kid: 'other' }))),
    browser: async () => [browserRequest()],
    session: async () => [browserRequest({ session: await session('guarded', 'few')() })],
    sessionOrders: async () => [browserRequest({ path: ORDERS, session: await session('guarded', 'few')() })],
    sessionTrio: async () => [browserRequest({ session: await session('trio', 'few')() })],
    groups: async () => [browserRequest({ session: await threeCookies() })],
    groupsTrio: async () => [browserRequest({ session: await session('trio', 'many')() })],
    ...Object.fromEntries(TENANT_COUNTS.flatMap((count) => (
      Object.entries(ofTenants(count, 1)).map(([kind, make]) => [`${kind}${count}`, make])))),
    ...Object.fromEntries([100, 10_000].flatMap((count) => (
      Object.entries(ofTenants(count, 100)).map(([kind, make]) => [`${kind}Turn${count}`, make])))),
  };
}
