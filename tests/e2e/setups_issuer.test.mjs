/** Broken set-ups: the issuer, its metadata, its keys and its clock. */
import { clockOff, newKey, theme, withoutDiscovery } from './setups.mjs';

const METADATA = '/.well-known/openid-configuration';
const configured = (configure) => ({ configure });
const rsa = newKey('rsa', 'RS256');

/** A provider behind a proxy that changes what it answers at `path`. */
const behind = (path, change) => ({ provider: { front: async (ctx, next) => {
  await next();
  if (ctx.path === path) change(ctx);
} } });

const { broken, works } = theme({
  tenants: {
    correct: configured((tenant, { jwk }) => withoutDiscovery(tenant, jwk)),
    'trailing-slash': configured((tenant) => { tenant.issuer += '/'; }),
    'slash-without-discovery': configured((tenant, { jwk }) => {
      withoutDiscovery(tenant, jwk);
      tenant.issuer += '/';
    }),
    'other-scheme': configured((tenant) => { tenant.issuer = tenant.issuer.replace('http:', 'https:'); }),
    'other-path': configured((tenant) => { tenant.issuer += '/realms/Acme'; }),
    'other-issuer': behind(METADATA, (ctx) => { ctx.body.issuer = 'https://login.globex.example'; }),
    'no-jwks': behind('/jwks', (ctx) => { ctx.status = 404; }),
    'no-keys': behind('/jwks', (ctx) => { ctx.body = { keys: [] }; }),
    'other-origin': behind(METADATA, (ctx) => { ctx.body.token_endpoint = 'http://api.acme.example/token'; }),
    'other-key': configured((tenant) => withoutDiscovery(tenant, newKey('other'))),
    'other-algorithm': configured((tenant) => withoutDiscovery(tenant, rsa)),
    'clock-ahead': clockOff(400),
    'clock-behind': clockOff(-7200),
  },
});

works('a set-up without discovery works', 'correct');

broken('`issuer` has a slash at its end that the provider does not have.', 'trailing-slash');
broken('The same slash, without `discovery`.', 'slash-without-discovery');
broken('`issuer` has `https`, and the provider calls itself `http`.', 'other-scheme');
broken('The path of `issuer` is wrong, such as a realm in another case.', 'other-path');
broken('The metadata are those of another issuer.', 'other-issuer');
broken('There is nothing at the `jwks_uri`.', 'no-jwks');
broken('The key set of the provider has no key.', 'no-keys');
broken('An endpoint is at another origin than `issuer`.', 'other-origin');
broken('The configured public key is another one.', 'other-key');
broken('The configured public key is for another algorithm.', 'other-algorithm');
broken('The clock of the provider is ahead of that of Envoy.', 'clock-ahead');
broken('The clock of the provider is behind that of Envoy.', 'clock-behind');
