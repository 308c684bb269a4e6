/**
 * Listeners for thousands of tenants: with Tenantgate, and with Envoy's `jwt_authn`, which has a
 * provider and a virtual host for each tenant. Each tenant has an issuer and a key of its own.
 */
import { randomBytes, sign } from 'node:crypto';
import { join } from 'node:path';

import { TOP } from './envoy.mjs';
import { keyPair } from './key_pair.mjs';

const type = (name, fields) => ({ '@type': `type.googleapis.com/${name}`, ...fields });
const address = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
export const issuer = (number) => `https://issuer.example/t${number}`;
export const host = (number) => `t${number}.example`;

/** What the tenants with these numbers have in common on both sides: their keys. */
export class Tenants {
  #keys = new Map();

  #key(number) {
    if (!this.#keys.has(number)) this.#keys.set(number, keyPair('ec', { namedCurve: 'P-256' }));
    return this.#keys.get(number);
  }

  #jwks(number) {
    return { keys: [{ ...this.#key(number).publicKey.export({ format: 'jwk' }), kid: `key-${number}`, alg: 'ES256', use: 'sig' }] };
  }

  /** What the issuer of this tenant signs with. */
  signer(number) {
    return { alg: 'ES256', kid: `key-${number}`, key: this.#key(number).privateKey };
  }

  /** A bearer token of this tenant, which both sides accept. */
  token(number) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const exp = Math.floor(Date.now() / 1000) + 7200;
    const claims = { iss: issuer(number), aud: 'api', sub: 'robot', client_id: 'robot', iat: exp - 7200, exp, jti: 'x' };
    const input = `${part({ alg: 'ES256', kid: `key-${number}`, typ: 'at+jwt' })}.${part(claims)}`;
    return `${input}.${sign('sha256', input, { key: this.#key(number).privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  /** The filter and the virtual hosts with Tenantgate, which selects the tenant itself. */
  #tenantgate(numbers, isText) {
    const tenants = numbers.map((number) => ({
      name: `t${number}`, hosts: [host(number)], issuer: issuer(number), client_id: 'gate', client_secret: `secret-of-${number}`,
      keys: [{ jwks: this.#jwks(number) }], bearer: { audiences: ['api'] },
      provider: { cluster: 'issuer', authorization_endpoint: `${issuer(number)}/auth`, token_endpoint: `${issuer(number)}/token` },
    }));
    const filename = process.env.TENANTGATE_WASM ?? join(TOP, 'target/tenantgate.wasm');
    const value = { session: { keys: [{ id: 'bench', key: SESSION_KEY }] }, tenants };
    const filter = type('envoy.extensions.filters.http.wasm.v3.Wasm', {
      config: {
        name: 'tenantgate',
        vm_config: { vm_id: 'tenantgate', runtime: 'envoy.wasm.runtime.v8', code: { local: { filename } } },
        allow_on_headers_stop_iteration: true,
        // Istio and Envoy Gateway hand over text; plain YAML is a Struct.
        configuration: isText ? type('google.protobuf.StringValue', { value: JSON.stringify(value) }) : type('google.protobuf.Struct', { value }),
      },
    });
    return { filter, virtual_hosts: [{ name: 'all', domains: ['*'], routes: [ROUTE] }] };
  }

  #native(numbers) {
    const provider = (number) => [`t${number}`, {
      issuer: issuer(number), audiences: ['api'], local_jwks: { inline_string: JSON.stringify(this.#jwks(number)) },
      claim_to_headers: [['user', 'sub'], ['email', 'email'], ['groups', 'groups']].map(([header, claim_name]) => (
        { header_name: `x-auth-request-${header}`, claim_name })),
    }];
    const filter = type('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', {
      providers: Object.fromEntries(numbers.map(provider)),
      requirement_map: Object.fromEntries(numbers.map((number) => [`t${number}`, { provider_name: `t${number}` }])),
    });
    const virtual_hosts = numbers.map((number) => ({
      name: `t${number}`, domains: [host(number)], routes: [ROUTE],
      typed_per_filter_config: { filter: type('envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig', { requirement_name: `t${number}` }) },
    }));
    return { filter, virtual_hosts };
  }

  /** The listener of one `side` ("native", "text" or "Struct") for `count` tenants from `first` on. */
  listener(side, port, first, count) {
    const numbers = Array.from({ length: count }, (_, i) => first + i);
    const { filter, virtual_hosts } = side === 'native' ? this.#native(numbers) : this.#tenantgate(numbers, side === 'text');
    const router = type('envoy.extensions.filters.http.router.v3.Router', {});
    const manager = type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: 'gateway',
      http_filters: [{ name: 'filter', typed_config: filter }, { name: 'router', typed_config: router }],
      route_config: { virtual_hosts },
    });
    return type('envoy.config.listener.v3.Listener', {
      name: 'gateway', address: address(port), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
    });
  }
}

const SESSION_KEY = randomBytes(32).toString('base64');
const ROUTE = { match: { prefix: '/' }, direct_response: { status: 200 } };
