/** dex, as the binary that `TENANTGATE_DEX` names, in front of an LDAP directory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

import { startProcess, waitFor } from './process.mjs';

/**
 * Starts dex on a loopback port. It keeps everything in memory, so that `restart` gives it a new
 * signing key and no refresh tokens.
 *
 * `directory` is a slapd, `tenant` the part of it that has the users, and `client` the client's
 * registration. `dir` is for files, and `log` is where dex writes its log.
 */
export async function startDex({ port, dir, log, directory, tenant, client }) {
  const issuer = `http://login.localhost:${port}`;
  const file = join(dir, 'dex.yaml');
  writeFileSync(file, stringify(configuration(issuer, port, directory, tenant, client)), { mode: 0o600 });
  let running;
  const start = async () => {
    running = startProcess(process.env.TENANTGATE_DEX, ['serve', file], { log });
    try {
      await waitFor(running, () => keys(port));
    } catch (error) {
      await running.stop();
      throw error;
    }
  };
  await start();
  return {
    issuer,
    async restart() {
      await running.stop();
      await start();
    },
    /** An ID token by the password grant. */
    async idToken({ uid, password }) {
      const form = { grant_type: 'password', scope: 'openid profile email groups', username: uid, password, client_id: client.id, client_secret: client.secret };
      const answer = await fetch(`http://127.0.0.1:${port}/token`, { method: 'POST', body: new URLSearchParams(form) });
      if (!answer.ok) throw new Error(`dex gives ${uid} no token: ${answer.status} ${await answer.text()}`);
      return (await answer.json()).id_token;
    },
    stop: () => running.stop(),
  };
}

async function keys(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/keys`);
  if (!answer.ok) throw new Error(`dex has no keys: ${answer.status}`);
}

const configuration = (issuer, port, { url, service, base }, tenant, client) => ({
  issuer,
  storage: { type: 'memory' },
  web: { http: `127.0.0.1:${port}` },
  oauth2: { skipApprovalScreen: true, passwordConnector: 'ldap' },
  // Without it, dex answers a second refresh within three seconds without asking the directory.
  expiry: { refreshTokens: { reuseInterval: '0s' } },
  staticClients: [{ ...client, name: 'Tenantgate' }],
  connectors: [{
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
  }],
});
