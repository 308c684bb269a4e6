/** Broken set-ups: what is registered at the provider does not fit the configuration. */
import { newKey, publicPart, theme } from './setups.mjs';

const configured = (configure) => ({ configure });
const registered = (change) => ({ register: (client) => ({ ...client, ...change }) });

const { broken, works } = theme({
  tenants: {
    correct: {},
    'wrong-secret': registered({ client_secret: 'another-secret-of-the-client' }),
    'newline-in-secret': { secret: (value) => `${value}\n` },
    'auth-method': registered({ client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicPart(newKey('client'))] } }),
    'unknown-client': configured((tenant) => { tenant.client_id = 'tenant-gate'; }),
    'redirect-uri': registered({ redirect_uris: ['https://acme.example/oauth2/callback'] }),
    'unknown-scope': registered({ scope: 'openid email' }),
    'no-refresh-token': configured((tenant) => { tenant.refresh = { interval: '1s' }; }),
    'form-post': { provider: { front: (ctx, next) => {
      if (ctx.path === '/auth') ctx.query = { ...ctx.query, response_mode: 'form_post' };
      return next();
    } } },
    'signed-otherwise': configured((tenant) => { tenant.id_token_signed_response_alg = ['RS256']; }),
  },
});

works('a correct set-up beside the broken ones works', 'correct');

broken('The secret is not the one that the provider has.', 'wrong-secret');
broken('The variable with the secret ends with a line break.', 'newline-in-secret');
broken('The client is registered with another authentication method.', 'auth-method');
broken('The client id is unknown at the provider.', 'unknown-client');
broken('The redirect URI is not registered.', 'redirect-uri');
broken('The client may not ask for a scope.', 'unknown-scope');
broken('The provider sends no refresh token, for want of `offline_access`.', 'no-refresh-token', undefined, { reaches: 1 });
broken('The provider posts the response (`form_post`).', 'form-post');
broken('The client is registered with another algorithm for ID tokens.', 'signed-otherwise');
