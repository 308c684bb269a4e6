/** The whole stack: Envoy with the module, an OpenID Provider for each tenant, an upstream. */
import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exampleConfiguration, startEnvoy } from './envoy.mjs';
import { keyPair } from './key_pair.mjs';
import { startProvider } from './provider.mjs';
import { startUpstream } from './upstream.mjs';

const TENANTS = {
  acme: { alg: 'RS256', token_endpoint_auth_method: 'client_secret_basic' },
  globex: { alg: 'ES256', token_endpoint_auth_method: 'client_secret_post' },
};

/** The origin of a tenant at the gateway. */
export const origin = (tenant, ports) => `http://${tenant}.localhost:${ports.gateway}`;

/**
 * Starts the stack. If one part fails to start, the others are stopped.
 *
 * - `accounts(tenant)` returns the accounts of the provider.
 * - `dir` keeps the keys and secrets of the first run, so that sessions outlive a restart.
 * - `discovered` lists the tenants whose endpoints and keys are discovered, not configured.
 * - `refreshAfter` maps the tenants that refresh sessions every second to the lifetime of their
 *   access tokens in seconds.
 * - `register(tenant, client)` changes the registration at the provider.
 * - `configure(tenant)` changes the configuration of a tenant, or returns several tenants.
 * - `sections` are added to the top level of the configuration.
 * - `settings` are additional settings of the providers.
 * - `upstream({port, others})` starts another upstream, whose `stop` stops it.
 */
export async function startStack({
  ports, dir, accounts, wasmLog = 'info', discovered = [], refreshAfter = {}, register = (_, it) => it, configure = (it) => it, sections, settings, upstream: startIt = startUpstream,
}) {
  mkdirSync(dir, { recursive: true });
  const kept = keep(join(dir, 'secrets.json'), makeSecrets);
  const parts = [];
  const stop = async () => { for (const part of parts.splice(0).reverse()) await part.stop(); };
  const providers = {};
  const provide = async (tenant, jwk) => {
    providers[tenant] = await startProvider({
      tenant, port: ports[tenant], accounts: accounts(tenant), jwk, client: register(tenant, client(tenant, kept, ports)), refreshAfter: refreshAfter[tenant], settings,
    });
  };
  try {
    for (const tenant of Object.keys(TENANTS)) {
      await provide(tenant, kept.jwks[tenant]);
      parts.push({ stop: () => providers[tenant].stop() });
    }
    const upstream = await startIt({ port: ports.upstream, others: Object.keys(TENANTS).map((tenant) => `${origin(tenant, ports)}/`) });
    parts.push(upstream);
    const envoy = await startEnvoy({
      envoy: configuration(ports, kept.jwks, discovered, Object.keys(refreshAfter), configure, sections), adminPort: ports.admin, dir, wasmLog,
      env: { TENANTGATE_SESSION_KEY: kept.sessionKey, ACME_CLIENT_SECRET: kept.clientSecrets.acme, GLOBEX_CLIENT_SECRET: kept.clientSecrets.globex },
    });
    parts.push(envoy);
    /** Restarts the provider of `tenant` with a new signing key and without its sessions. */
    const rotate = async (tenant) => {
      await providers[tenant].stop();
      await provide(tenant, signingKey(TENANTS[tenant].alg, `${tenant}-${Date.now()}`));
    };
    return { stop, rotate, received: upstream.received, log: envoy.log, secrets: Object.values(kept.clientSecrets) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function client(tenant, { clientSecrets }, ports) {
  return {
    client_id: 'tenantgate',
    client_secret: clientSecrets[tenant],
    token_endpoint_auth_method: TENANTS[tenant].token_endpoint_auth_method,
    redirect_uris: [`${origin(tenant, ports)}/oauth2/callback`],
    post_logout_redirect_uris: [`${origin(tenant, ports)}/`],
    ...(tenant === 'acme' && { backchannel_logout_uri: `${origin(tenant, ports)}/oauth2/backchannel-logout`, backchannel_logout_session_required: true }),
  };
}

/** The example with the keys of these issuers. */
function configuration(ports, jwks, discovered, refreshing, configure, sections) {
  const { envoy, tenantgate } = exampleConfiguration(ports);
  for (const tenant of tenantgate.tenants) {
    if (refreshing.includes(tenant.name)) tenant.refresh = { interval: '1s' };
    if (discovered.includes(tenant.name)) {
      const { cluster, token_endpoint_auth_method } = tenant.provider;
      tenant.provider = { cluster, token_endpoint_auth_method, discovery: true };
      delete tenant.keys;
      continue;
    }
    const key = createPublicKey({ key: jwks[tenant.name], format: 'jwk' });
    const { kid, alg } = jwks[tenant.name];
    tenant.keys = alg === 'RS256'
      ? [{ pem: key.export({ type: 'spki', format: 'pem' }) }]
      : [{ jwks: { keys: [{ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' }] } }];
  }
  tenantgate.tenants = tenantgate.tenants.flatMap(configure);
  Object.assign(tenantgate, sections);
  return envoy;
}

/** The result of `make`, which is kept in a file that only its owner can read. */
function keep(file, make) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    const made = make();
    writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
    return made;
  }
}

function makeSecrets() {
  const each = (make) => Object.fromEntries(Object.keys(TENANTS).map((tenant) => [tenant, make(tenant)]));
  return {
    sessionKey: randomBytes(32).toString('base64'),
    clientSecrets: each(() => randomBytes(24).toString('base64url')),
    jwks: each((tenant) => signingKey(TENANTS[tenant].alg, `${tenant}-1`)),
  };
}

function signingKey(alg, kid) {
  const { privateKey } = alg === 'RS256'
    ? keyPair('rsa', { modulusLength: 2048 })
    : keyPair('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}
