/** Logins through Envoy, which give the sessions of the benchmark. */
import { Client } from '../client.mjs';
import { HOST, ISSUER } from './identity.mjs';
import { codeFor } from './issuer.mjs';

/**
 * Signs in at the listener on `port`, as a browser that the authorization endpoint sends back at
 * once. Returns the cookies of the session, `name=value`. Works for Tenantgate and `oauth2`.
 */
export async function signIn(port, login) {
  const { page, cookies } = await signedIn(port, login);
  if (page.status !== 200) throw new Error(`the session was answered with ${page.status}: ${page.body}`);
  return cookies;
}

/** Fails if the listener lets a person in whose groups the rule does not name. */
export async function checkRule(port) {
  const { page } = await signedIn(port, { groups: ['visitors'] });
  if (page.status !== 403) throw new Error(`a person without the group was answered with ${page.status}: ${page.body}`);
}

async function signedIn(port, { groups, host = HOST, issuer = ISSUER }) {
  const browser = new Client();
  const open = (path) => browser.open(`http://${host}:${port}${path}`, { host });
  const start = await open('/');
  if (start.status !== 302) throw new Error(`the login at ${host} began with ${start.status}: ${start.body}`);
  const asked = new URL(start.location).searchParams;
  const { pathname } = new URL(asked.get('redirect_uri'));
  const code = codeFor({ issuer, groups, client_id: asked.get('client_id'), nonce: asked.get('nonce') ?? undefined });
  const answer = await open(`${pathname}?${new URLSearchParams({ code, state: asked.get('state'), iss: issuer })}`);
  if (answer.status !== 302) throw new Error(`the login at ${host} ended with ${answer.status}: ${answer.body}`);
  // The first page takes away what only the login needed.
  const page = await open('/');
  return { page, cookies: [...browser.jar.get(host)].map(([name, value]) => `${name}=${value}`) };
}
