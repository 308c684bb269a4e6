/** Broken set-ups: what browsers, proxies and API clients send does not fit the configuration. */
import { Client } from './client.mjs';
import { jwt, newKey, theme, visit } from './setups.mjs';

const configured = (configure) => ({ configure });
const key = newKey('api');
const withBearer = { provider: { jwk: key }, configure: (tenant) => { tenant.bearer = { audiences: ['reports'] }; } };

/** A browser that keeps no cookie with `Secure` of a site without TLS. */
class PlainBrowser extends Client {
  async send(url, options) {
    const answer = await super.send(url, options);
    for (const line of answer.setCookies) {
      if (/;\s*secure/i.test(line)) this.jar.get(new URL(url).hostname)?.delete(line.split('=')[0]);
    }
    return answer;
  }
}

/** An API client with an access token of these claims and this header. */
const calls = (tenant, claims, header = { typ: 'at+jwt' }) => (all) => {
  const now = Math.floor(Date.now() / 1000);
  const token = jwt(key, { iss: `http://login-bearer.localhost:${all.ports.bearer}`, sub: 'ada', aud: 'reports', client_id: 'cli', jti: 'a', iat: now, exp: now + 60, ...claims }, header);
  return new Client().send(all.page(tenant), { headers: { authorization: `Bearer ${token}` } });
};

const { broken, works } = theme({
  tenants: {
    'plain-http': {},
    'other-host': configured((tenant) => { tenant.hosts.push('www.other-host.localhost'); }),
    'odd-paths': configured((tenant) => { tenant.access = [{ paths: ['/files/*'], allow: 'any_user' }]; }),
    bearer: withBearer,
    'other-bearer': withBearer,
    'no-bearer': { provider: { jwk: key } },
    portal: {},
    'other-origin': {},
  },
  change: ({ manager }) => {
    delete manager.path_with_escaped_slashes_action;
  },
});

works('an access token works', 'bearer', (all) => calls('bearer', {})(all));

broken('The site has no TLS, so browsers drop the cookies.', 'plain-http', (all) => visit(all, 'plain-http', '/', new PlainBrowser()));
broken('`login.redirect_uri` is on another host than the site.', 'other-host');
broken('A proxy in front changes `Host`.', '', (all) => new Client().open(all.page('gateway')), { counter: '' });
broken('Paths have encoded slashes, and rules are about paths.', 'odd-paths', (all) => new Client().open(all.page('odd-paths', '/files/a%2Fb')));
broken('The access token is for another audience.', 'bearer', calls('bearer', { aud: 'billing' }));
broken('The access token is of another issuer.', 'bearer', calls('bearer', { iss: 'https://login.globex.example' }));
broken('The access token is for another tenant.', 'other-bearer', calls('other-bearer', {}));
broken('The client sends the ID token.', 'bearer', calls('bearer', { aud: 'tenantgate', nonce: 'n' }, { typ: 'JWT' }));
broken('The access token has expired, or a clock is off.', 'bearer', calls('bearer', { exp: 1_700_000_000 }));
broken('The tenant has no section `bearer`.', 'no-bearer', calls('no-bearer', {}));
broken('The portal sends another `iss` than the configured issuer.', 'portal', (all) => new Client().open(all.page('portal', '/oauth2/login?iss=https%3A%2F%2Flogin.acme.example')));
broken('A page on another host of the company sends a form.', 'other-origin', async (all) => {
  const client = new Client();
  await visit(all, 'other-origin', '/', client);
  all.received.splice(0);
  return client.send(all.page('other-origin'), { method: 'POST', headers: { origin: 'http://www.acme.example', 'sec-fetch-site': 'cross-site' }, form: { a: 'b' } });
});
