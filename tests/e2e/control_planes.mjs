/**
 * What is around a gateway whose Envoy a control plane drives: the names of the manifests in
 * `envoy/`, as tests/control_planes/machine.sh makes them.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { parseAllDocuments, stringify } from 'yaml';

import { TOP } from './envoy.mjs';
import { keyPair } from './key_pair.mjs';
import { listedAccounts } from './people.mjs';
import { startProvider } from './provider.mjs';
import { startRegistry } from './registry.mjs';
import { startUpstream } from './upstream.mjs';

export const LOGS = join(TOP, 'target/test-logs');
export const MODULE = process.env.TENANTGATE_WASM ?? join(TOP, 'target/tenantgate.wasm');
export const ISSUER = 'https://dex.acme.example';
/** Where the gateway of a control plane listens, in plain text, and the application behind it. */
const GATEWAY = 8080;
const UPSTREAM = 8083;

/** The documents of a YAML file of the repository, with values for its `${NAME}`. */
export const manifests = (file, values = {}) =>
  parseAllDocuments(readFileSync(join(TOP, file), 'utf8').replace(/\$\{(\w+)\}/g, (_, name) => values[name])).map((document) => document.toJS());

/** The documents as the text of one file. */
export const text = (documents) => documents.map((document) => stringify(document)).join('---\n');

/**
 * Starts the issuer, the registry with the module, TLS in front of the gateway, and the upstream.
 * If one part fails to start, the others are stopped. `env` has the variables that the manifests
 * take from the gateway's container.
 */
export async function startSurroundings() {
  mkdirSync(LOGS, { recursive: true });
  const machine = join(TOP, 'target/control-planes/machine');
  const tls = (host) => ({ host, key: readFileSync(join(machine, 'key.pem')), cert: readFileSync(join(machine, 'certificate.pem')) });
  const clientSecret = randomBytes(24).toString('base64url');
  const parts = [];
  const stop = async () => { for (const part of parts.splice(0).reverse()) await part.stop(); };
  try {
    parts.push(await startIssuer(tls('dex.acme.example'), clientSecret));
    parts.push(await startRegistry({ name: 'tenantgate:0.2.0', module: MODULE, tls: tls('registry.example') }));
    parts.push(await endTls(tls('acme.example.com')));
    const upstream = await startUpstream({ port: UPSTREAM });
    parts.push(upstream);
    return { stop, received: upstream.received, env: { TENANTGATE_SESSION_KEY: randomBytes(32).toString('base64'), ACME_CLIENT_SECRET: clientSecret } };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startIssuer(tls, clientSecret) {
  const hosts = ['acme.example.com', 'globex.example.com'];
  const api = { audience: 'https://api.acme.example', scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 300 };
  const { privateKey } = keyPair('rsa', { modulusLength: 2048 });
  const browsers = {
    client_id: 'tenantgate',
    client_secret: clientSecret,
    redirect_uris: hosts.map((host) => `https://${host}/oauth2/callback`),
    response_types: ['code'],
    grant_types: ['authorization_code'],
    backchannel_logout_uri: 'https://acme.example.com/oauth2/backchannel-logout',
    backchannel_logout_session_required: true,
  };
  const robot = { client_id: 'robot', client_secret: clientSecret, redirect_uris: [], response_types: [], grant_types: ['client_credentials'] };
  return startProvider({
    tenant: 'acme', accounts: listedAccounts('acme'), tls,
    jwk: { ...privateKey.export({ format: 'jwk' }), kid: 'acme-1', alg: 'RS256', use: 'sig' },
    settings: {
      clients: [browsers, robot],
      httpOptions: () => ({}),
      extraTokenClaims: () => ({ groups: ['engineers'] }),
      features: {
        backchannelLogout: { enabled: true },
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: { enabled: true, defaultResource: () => api.audience, useGrantedResource: () => true, getResourceServerInfo: () => api },
      },
    },
  });
}

/** An access token of the client `robot`. */
export async function accessToken({ env }) {
  const answer = await fetch(`${ISSUER}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`robot:${env.ACME_CLIENT_SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: 'https://api.acme.example' }),
  });
  return (await answer.json()).access_token;
}

/** A load balancer that ends TLS in front of the gateway. */
async function endTls(tls) {
  const sockets = new Set();
  const server = createServer(tls, (outside) => {
    const inside = connect(GATEWAY, '127.0.0.1');
    for (const [socket, other] of [[outside, inside], [inside, outside]]) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => { sockets.delete(socket); other.destroy(); });
      socket.pipe(other);
    }
  });
  server.listen(443, tls.host);
  await once(server, 'listening');
  return {
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
