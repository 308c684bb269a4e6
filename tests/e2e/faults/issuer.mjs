/** An OpenID Provider whose keys can change or be unusable. Its code says what its tokens say. */
import { sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import { keyPair } from '../key_pair.mjs';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export class Issuer {
  /** `normal`, `away` (503) or `garbage`: what the key set is answered with. */
  keySet = 'normal';
  /** Whether the token endpoint never answers. */
  silent = false;
  /** The users whose codes were exchanged while it was silent. */
  asked = new Set();
  #keys = [];

  constructor(name, port) {
    this.url = `https://login.${name}.example`;
    this.port = port;
    this.rotate();
  }

  /** Signs with a new key, which it publishes. Of the older ones it publishes the last. */
  rotate() {
    const { publicKey, privateKey } = keyPair('ec', { namedCurve: 'P-256' });
    const kid = `key-${Date.now()}`;
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
    this.#keys = [{ kid, privateKey, jwk }, ...this.#keys].slice(0, 2);
  }

  /** A token with these claims, for an hour. It was issued a while ago: clocks may differ. */
  token(claims, header = {}) {
    const [{ kid, privateKey }] = this.#keys;
    const now = Math.floor(Date.now() / 1000);
    const all = { iss: this.url, iat: now - 900, exp: now + 3600, ...claims };
    const input = `${part({ alg: 'ES256', kid, ...header })}.${part(all)}`;
    return `${input}.${sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  /** An access token (RFC 9068) of this client. */
  accessToken(sub) {
    return this.token({ sub, aud: 'api', client_id: sub, jti: sub }, { typ: 'at+jwt' });
  }

  /** The code that the authorization endpoint would give out for this request and user. */
  static code(location, sub) {
    return part({ sub, nonce: location.searchParams.get('nonce') });
  }

  async start() {
    this.server = createServer((request, response) => this.#answer(request, response)).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async #answer(request, response) {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({
        issuer: this.url, authorization_endpoint: `${this.url}/auth`, token_endpoint: `${this.url}/token`, jwks_uri: `${this.url}/keys`,
        id_token_signing_alg_values_supported: ['ES256'],
      }));
    } else if (request.url === '/keys') {
      if (this.keySet === 'away') response.writeHead(503);
      response.end(this.keySet === 'normal' ? JSON.stringify({ keys: this.#keys.map(({ jwk }) => jwk) }) : '{"keys": [{"kty": "EC", "crv": ');
    } else {
      const grant = JSON.parse(Buffer.from(new URLSearchParams(await text(request)).get('code'), 'base64url'));
      if (this.silent) {
        this.asked.add(grant.sub);
        return;
      }
      const id_token = this.token({ ...grant, aud: 'gate' });
      response.end(JSON.stringify({ token_type: 'Bearer', access_token: 'opaque', expires_in: 3600, id_token }));
    }
  }
}
