/** The filters that the benchmark compares: Tenantgate, and Envoy's own for the same job. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { TOP } from '../envoy.mjs';
import { keyPair } from '../key_pair.mjs';
import { ISSUER, jwks } from './identity.mjs';

export const type = (name, fields = {}) => ({ '@type': `type.googleapis.com/${name}`, ...fields });
const http = (name, fields) => type(`envoy.extensions.filters.http.${name}`, fields);

export const MODULE = process.env.TENANTGATE_WASM ?? join(TOP, 'target/tenantgate.wasm');
export const SESSION_KEY = randomBytes(32).toString('base64');

/** The path of the requests in the cases with rules. */
export const ORDERS = '/orders/7/items';

export const wasm = (filename, value = {}, vm_id = filename) => http('wasm.v3.Wasm', {
  config: {
    name: vm_id,
    vm_config: { vm_id, runtime: 'envoy.wasm.runtime.v8', code: { local: { filename } } },
    configuration: type('google.protobuf.Struct', { value }),
  },
});

const ANY_ENGINEER = [{ allow: { groups: ['engineers'] } }];

/**
 * Tenantgate, with `more` in the configuration and `tenant` in its only tenant. It has one rule, as
 * `rbac` has in the listener that it is compared with.
 */
export const tenantgate = (more = {}, tenant = {}) => wasm(MODULE, {
  ...more,
  session: { keys: [{ id: 'bench', key: SESSION_KEY }] },
  tenants: [{
    name: 'acme', hosts: ['acme.example'], issuer: ISSUER, client_id: 'gate', client_secret: 'secret', keys: [{ jwks }], bearer: { audiences: ['api'] },
    provider: { cluster: 'issuer', authorization_endpoint: `${ISSUER}/auth`, token_endpoint: `${ISSUER}/token` },
    ...tenant,
  }],
});

export const guarded = () => tenantgate({}, { access: ANY_ENGINEER });

/**
 * Tenantgate with `count` rules. Only the last one matches `ORDERS`. Half of the others have a
 * wildcard segment.
 */
export const ruled = (count) => tenantgate({}, {
  access: [
    ...Array.from({ length: count - 1 }, (_, i) => (
      { paths: [i % 2 ? `/teams/*/project${i}/*` : `/service${i}/*`], methods: ['GET', 'POST'], allow: { groups: [`team${i}`, 'owners'] } })),
    { paths: ['/orders/*/items'], methods: ['GET'], allow: { groups: ['engineers'] } },
  ],
  access_default: 'deny',
});

/** Tenantgate that signs assertions with a new key of this type. */
export const signing = (kind, options) => {
  const pem = keyPair(kind, options).privateKey.export({ type: 'pkcs8', format: 'pem' });
  return tenantgate({ assertion: { keys: [{ pem }], audiences: ['upstream'] } });
};

/**
 * `jwt_authn` with the same job, as far as it can do it: it verifies and removes the token and
 * writes three of the four headers.
 */
export const jwtAuthn = ({ cache, metadata }) => http('jwt_authn.v3.JwtAuthentication', {
  providers: {
    acme: {
      issuer: ISSUER, audiences: ['api'], local_jwks: { inline_string: JSON.stringify(jwks) },
      claim_to_headers: [['user', 'sub'], ['email', 'email'], ['groups', 'groups']].map(([header, claim_name]) => (
        { header_name: `x-auth-request-${header}`, claim_name })),
      ...(cache && { jwt_cache_config: { jwt_cache_size: 4096, jwt_max_token_size: 65536 } }),
      ...(metadata && { payload_in_metadata: 'claims' }),
    },
  },
  rules: [{ match: { prefix: '/' }, requires: { provider_name: 'acme' } }],
});

/** `oauth2`. It sets no cookies for tokens that nothing here reads, which makes it cheaper. */
const oauth2 = () => http('oauth2.v3.OAuth2', {
  config: {
    token_endpoint: { cluster: 'issuer', uri: `${ISSUER}/token`, timeout: '3s' },
    authorization_endpoint: `${ISSUER}/auth`,
    redirect_uri: 'https://%REQ(:authority)%/callback',
    redirect_path_matcher: { path: { exact: '/callback' } },
    signout_path: { path: { exact: '/signout' } },
    auth_scopes: ['openid', 'profile', 'email', 'groups'],
    use_refresh_token: false,
    forward_bearer_token: true,
    disable_id_token_set_cookie: true,
    disable_refresh_token_set_cookie: true,
    credentials: { client_id: 'gate', token_secret: { name: 'token' }, hmac_secret: { name: 'hmac' } },
  },
});

/** The secrets that `oauth2` names. */
export const SECRETS = ['token', 'hmac'].map((name) => ({ name, generic_secret: { secret: { inline_string: randomBytes(32).toString('base64') } } }));

const rbac = () => http('rbac.v3.RBAC', {
  rules: {
    action: 'ALLOW',
    policies: {
      engineers: {
        permissions: [{ any: true }],
        principals: [{
          metadata: {
            filter: 'envoy.filters.http.jwt_authn', path: [{ key: 'claims' }, { key: 'groups' }],
            value: { list_match: { one_of: { string_match: { exact: 'engineers' } } } },
          },
        }],
      },
    },
  },
});

/** Envoy's own filters for what Tenantgate does with a session. */
export const trio = () => [oauth2(), jwtAuthn({ cache: true, metadata: true }), rbac()];

/** External authorization by the cluster `authorizer`, which answers at once. */
export const extAuthz = () => http('ext_authz.v3.ExtAuthz', {
  http_service: {
    server_uri: { uri: 'http://authorizer', cluster: 'authorizer', timeout: '1s' },
    authorization_request: { allowed_headers: { patterns: [{ exact: 'cookie' }, { exact: 'authorization' }, { exact: 'accept' }] } },
    authorization_response: { allowed_upstream_headers: { patterns: [{ prefix: 'x-auth-request-' }] } },
  },
});
