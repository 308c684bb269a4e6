/** dex, as the binary that `TENANTGATE_DEX` names. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

import { fileIn, readGuide } from './guide.mjs';
import { startProcess, waitFor } from './process.mjs';

/** The issuer of a dex on `port`. */
export const issuerAt = (port) => `http://login.localhost:${port}`;

/**
 * Starts dex on a loopback port, with everything in memory. `client` is the client's registration.
 * The password grant uses the first of the `connectors`. With `signingKeys`, dex signs with a key
 * for so long; it looks every 30 seconds. `dir` is for files, and `log` is where dex writes its
 * log.
 */
export async function startDex({ port, dir, log, connectors, client, signingKeys = '6h' }) {
  const file = join(dir, 'dex.yaml');
  const configuration = {
    issuer: issuerAt(port),
    storage: { type: 'memory' },
    web: { http: `127.0.0.1:${port}` },
    oauth2: { skipApprovalScreen: true, passwordConnector: connectors[0].id },
    // Without `reuseInterval`, dex answers a second refresh within three seconds from memory.
    expiry: { signingKeys, refreshTokens: { reuseInterval: '0s' } },
    staticClients: [{ ...client, name: 'Tenantgate' }],
    connectors,
  };
  writeFileSync(file, stringify(configuration), { mode: 0o600 });
  const running = startProcess(process.env.TENANTGATE_DEX, ['serve', file], { log });
  const get = async (path) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  try {
    await waitFor(running, () => get('/keys'));
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    issuer: issuerAt(port),
    metadata: () => get('/.well-known/openid-configuration'),
    /** Waits until dex signs with another key than the one with this `kid`. */
    nextKey: (kid) => waitFor(running, async () => {
      if ((await get('/keys')).keys[0].kid === kid) throw new Error('dex has not changed its key');
    }, 60),
    /** The answer of the token endpoint to `form`: `{status, ...}`. */
    async token(form) {
      const body = new URLSearchParams({ client_id: client.id, client_secret: client.secret, ...form });
      const answer = await fetch(`http://127.0.0.1:${port}/token`, { method: 'POST', body });
      return { status: answer.status, ...await answer.json() };
    },
    stop: running.stop,
  };
}

/** dex's LDAP connector for the part `tenant` of a slapd. */
export const ldapConnector = ({ url, service, base }, tenant) => ({
  type: 'ldap', id: 'ldap', name: 'LDAP',
  config: {
    host: new URL(url).host, insecureNoSSL: true, bindDN: service.dn, bindPW: service.password,
    userSearch: {
      baseDN: `ou=people,${base(tenant)}`, filter: '(objectClass=inetOrgPerson)', username: 'uid',
      idAttr: 'uid', emailAttr: 'mail', nameAttr: 'cn', preferredUsernameAttr: 'uid',
    },
    groupSearch: {
      baseDN: `ou=groups,${base(tenant)}`, filter: '(objectClass=groupOfNames)', nameAttr: 'cn',
      userMatchers: [{ userAttr: 'DN', groupAttr: 'member' }],
    },
  },
});

/**
 * dex's SAML connector of the guide docs/guides/dex-saml.md, for an identity provider with this
 * address and certificate (PEM) whose client is registered by `samlClient` in keycloak.mjs.
 */
export function samlConnector(issuer, { ssoURL, certificate }) {
  const here = { 'https://idp.initech.example/saml': ssoURL, 'https://dex.initech.example': issuer };
  const [{ config: { ca, ...config }, ...connector }] = parse(fileIn(readGuide('dex-saml.md'), '2. Configure dex', 'dex.yaml', here)).connectors;
  return { ...connector, config: { ...config, caData: Buffer.from(certificate).toString('base64') } };
}
