/** An OpenID Provider (npm `oidc-provider`) for one tenant. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

import { memoryAdapter } from './memory.mjs';
import { loginPage, logoutPage, serveFrame, serveLogin } from './interaction.mjs';

/**
 * Starts the provider of `tenant` on a loopback port.
 *
 * `accounts` has `authenticate(uid, password)`, which returns a uid or undefined, and `find(uid)`,
 * which returns `{name, mail, groups}`. `jwk` is the private signing key. `client` is the
 * registration of the client. With `refreshAfter`, the provider rotates refresh tokens and gives
 * access tokens for that many seconds. `settings` override the settings of the provider. `front`
 * sees each request and each answer, as a proxy in front of the provider does. With `tls`,
 * `{cert, key}`, the provider speaks HTTPS; its issuer has the scheme of `secure`. With
 * `{host, cert, key}` it is that server at port 443.
 */
export async function startProvider({ tenant, port, accounts, jwk, client, refreshAfter, settings, front, tls, secure = Boolean(tls) }) {
  const issuer = tls?.host ? `https://${tls.host}` : `${secure ? 'https' : 'http'}://login-${tenant}.localhost:${port}`;
  const provider = new Provider(issuer, {
    adapter: memoryAdapter(),
    jwks: { keys: [jwk] },
    clients: [{ ...client, grant_types: ['authorization_code', ...(refreshAfter ? ['refresh_token'] : [])], response_types: ['code'], id_token_signed_response_alg: jwk.alg }],
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    // Tenantgate reads the ID token, and calls the UserInfo endpoint only if configured.
    conformIdTokenClaims: false,
    pkce: { required: () => true, methods: ['S256'] },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => { ctx.body = logoutPage(tenant, form); },
      },
    },
    // Node does not resolve `*.localhost`.
    httpOptions: () => ({ dnsLookup: (_host, { all }, done) => (all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: (_ctx, registered) => registered.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: () => true,
    ttl: { AccessToken: refreshAfter ?? 3600, RefreshToken: 3600, Grant: 3600, IdToken: 3600, Interaction: 3600, Session: 3600 },
    async findAccount(_ctx, uid) {
      const person = await accounts.find(uid);
      return person && {
        accountId: uid,
        claims: () => ({ sub: uid, name: person.name, email: person.mail, email_verified: true, groups: person.groups }),
      };
    },
    ...settings,
    // Users are not asked for consent: it is part of the contract of the service.
    async loadExistingGrant(ctx) {
      const { client, session, provider } = ctx.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
  });
  if (front) provider.use(front);
  provider.use(serveFrame(tenant));
  provider.use(serveLogin(provider, accounts, (error) => loginPage(tenant, error)));

  const [at, address] = tls?.host ? [443, tls.host] : [port, '127.0.0.1'];
  const server = tls ? createServer(tls, provider.callback()).listen(at, address) : provider.listen(at, address);
  await once(server, 'listening');
  return {
    issuer,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
