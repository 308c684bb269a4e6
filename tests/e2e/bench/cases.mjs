/**
 * The cases of the benchmark: a listener, the requests that it gets (see `requests.mjs`), and the
 * status of the answers. `base` is the case that does nothing with such a request. A case that does
 * not `decide` lets requests continue without an identity.
 */
import { TENANT_COUNTS } from './listeners.mjs';

const one = (title, listener, requests, status, base) => ({ title, listener, requests, status, base });
const api = (title, listener, requests, status = 200) => one(title, listener, requests, status, 'bareApi');
const browser = (title, listener, requests, status = 200) => one(title, listener, requests, status, 'bareBrowser');
const many = (count) => count.toLocaleString('en');
const tenants = (count) => (count === 1 ? '1 tenant' : `${many(count)} tenants`);

const perTenantCount = Object.fromEntries(TENANT_COUNTS.flatMap((count) => [
  [`session${count}`, browser(`session, ${tenants(count)}`, `tenants${count}`, `session${count}`)],
  [`bearer${count}`, api(`known bearer token, ${tenants(count)}`, `tenants${count}`, `bearer${count}`)],
]));
const inTurn = Object.fromEntries([100, 10_000].flatMap((count) => [
  [`sessionTurn${count}`, browser(`sessions of 100 of ${many(count)} tenants in turn`, `tenants${count}`, `sessionTurn${count}`)],
  [`bearerTurn${count}`, api(`known bearer tokens of 100 of ${many(count)} tenants in turn`, `tenants${count}`, `bearerTurn${count}`)],
]));

export const CASES = {
  bareApi: one('nothing, API client', 'bare', 'none', 200),
  bareBrowser: one('nothing, browser', 'bare', 'browser', 200),

  session: browser('session: Tenantgate', 'guarded', 'session'),
  sessionTrio: browser('session: oauth2, jwt_authn, rbac', 'trio', 'sessionTrio'),
  sessionExtAuthz: browser('session: ext_authz, the authorizer not counted', 'extAuthz', 'session'),
  sessionCalls: browser('session: host calls alone', 'callsSession', 'session'),
  sessionNoTime: browser('session: host calls alone, without that for the time', 'callsNoTime', 'session'),
  // It replaces the header that asks what the upstream is told, too.
  sessionOneWrite: { ...browser('session: host calls alone, one for all headers', 'callsOneWrite', 'session'), decides: false },
  sessionNothing: { ...browser('session: a module that does nothing', 'nothing', 'session'), decides: false },
  groups: browser('200 groups: Tenantgate', 'guarded', 'groups'),
  groupsTrio: browser('200 groups: oauth2, jwt_authn, rbac', 'trio', 'groupsTrio'),
  groupsCalls: browser('200 groups: host calls alone', 'callsGroups', 'groups'),
  sessionRules: browser('session, 10 rules: Tenantgate', 'ruled10', 'sessionOrders'),
  redirect: browser('login redirect: Tenantgate', 'guarded', 'browser', 302),
  redirectOauth2: browser('login redirect: oauth2', 'oauth2', 'browser', 302),
  redirectCalls: browser('login redirect: host calls alone', 'callsRedirect', 'browser', 302),

  known: api('known RS256 token: Tenantgate', 'tenantgate', 'known'),
  knownNative: api('known RS256 token: jwt_authn with cache', 'nativeCached', 'known'),
  knownCalls: api('known RS256 token: host calls alone', 'callsKnown', 'known'),
  rs256: api('fresh RS256 token: Tenantgate', 'tenantgate', 'rs256'),
  rs256Native: api('fresh RS256 token: jwt_authn', 'native', 'rs256'),
  rs256Calls: api('fresh RS256 token: host calls alone', 'callsRS256', 'rs256'),
  es256: api('fresh ES256 token: Tenantgate', 'tenantgate', 'es256'),
  es256Native: api('fresh ES256 token: jwt_authn', 'native', 'es256'),
  es256Calls: api('fresh ES256 token: host calls alone', 'callsES256', 'es256'),

  noToken: api('no token: Tenantgate', 'tenantgate', 'anonymous', 401),
  noTokenReads: api('no token: reads and refuses', 'reads', 'anonymous', 401),
  noTokenCalls: api('no token: host calls alone', 'callsRefusal', 'anonymous', 401),
  junk: api('random text as token: Tenantgate', 'tenantgate', 'junk', 401),
  junkReads: api('random text as token: reads and refuses', 'reads', 'junk', 401),
  junkCalls: api('random text as token: host calls alone', 'callsRefusal', 'junk', 401),
  foreign: api('token of another issuer: Tenantgate', 'tenantgate', 'foreign', 401),
  foreignReads: api('token of another issuer: reads and refuses', 'reads', 'foreign', 401),
  foreignCalls: api('token of another issuer: host calls alone', 'callsRefusal', 'foreign', 401),
  tampered: api('token with a bad signature: Tenantgate', 'tenantgate', 'tampered', 401),

  rules10: api('known token, 10 rules: Tenantgate', 'ruled10', 'knownOrders'),
  rules1000: api('known token, 1,000 rules: Tenantgate', 'ruled1000', 'knownOrders'),
  filterState: api('known token, filter state: Tenantgate', 'filterState', 'known'),
  assertionES256: api('fresh RS256 token, ES256 assertion: Tenantgate', 'es256', 'rs256'),
  assertionEdDSA: api('fresh RS256 token, EdDSA assertion: Tenantgate', 'eddsa', 'rs256'),
  assertionKnown: api('known token, ES256 assertion: Tenantgate', 'es256', 'known'),
  ...perTenantCount,
  ...inTurn,
};

const ratio = (title, ours, theirs, target, calls) => ({ title, ours, theirs, target, calls });

/**
 * The ratios of two cases, with their targets. `calls` is the case that makes the host calls of the
 * first one alone: its ratio is the least that any module can reach.
 */
export const RATIOS = [
  ratio('session, to oauth2 + jwt_authn with cache + rbac', 'session', 'sessionTrio', 0.65, 'sessionCalls'),
  ratio('session over three cookies, 200 groups, to the same three', 'groups', 'groupsTrio', 1.0, 'groupsCalls'),
  ratio('session, to ext_authz without its authorizer', 'session', 'sessionExtAuthz', undefined, 'sessionCalls'),
  ratio('session with 10 rules, to one with 1', 'sessionRules', 'session'),
  ratio('login redirect, to that of oauth2', 'redirect', 'redirectOauth2', 1.0, 'redirectCalls'),
  ratio('known bearer token, to jwt_authn with cache', 'known', 'knownNative', 1.5, 'knownCalls'),
  ratio('fresh RS256 token, to jwt_authn', 'rs256', 'rs256Native', 1.1, 'rs256Calls'),
  ratio('fresh ES256 token, to jwt_authn', 'es256', 'es256Native', 1.0, 'es256Calls'),
  ratio('no token, to a module that reads and refuses', 'noToken', 'noTokenReads', 1.5, 'noTokenCalls'),
  ratio('random text, to a module that reads and refuses', 'junk', 'junkReads', 1.5, 'junkCalls'),
  ratio('token of another issuer, to a module that reads and refuses', 'foreign', 'foreignReads', 1.5, 'foreignCalls'),
  ratio('bad signature, to a fresh RS256 token', 'tampered', 'rs256', 1.0),
  ...['session', 'bearer'].flatMap((kind) => [
    ...TENANT_COUNTS.slice(1).map((count) => (
      ratio(`${kind}, ${many(count)} tenants to 1`, `${kind}${count}`, `${kind}1`, count === 10_000 ? 1.05 : undefined))),
    ratio(`${kind}, 100 of 10,000 tenants in turn to 100 of 100`, `${kind}Turn10000`, `${kind}Turn100`),
  ]),
];

/** The ratios whose title contains `text`, and every case if there is no text, else theirs. */
export function selected(text) {
  if (!text) return { cases: Object.keys(CASES), ratios: RATIOS };
  const ratios = RATIOS.filter(({ title }) => title.includes(text));
  const named = Object.keys(CASES).filter((name) => CASES[name].title.includes(text));
  const chosen = new Set([...ratios.flatMap(({ ours, theirs, calls = ours }) => [ours, theirs, calls]), ...named]);
  for (const name of [...chosen]) if (CASES[name].base) chosen.add(CASES[name].base);
  return { cases: Object.keys(CASES).filter((name) => chosen.has(name)), ratios };
}

/** What is measured with both versions of HTTP, with one and with two workers. */
export const PROTOCOL_CASES = { nothing: 'bareBrowser', trio: 'sessionTrio', tenantgate: 'session' };
