/** Canaille, an OpenID Provider from PyPI, with its SQL store. `build.sh` installs it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { keyPair } from './key_pair.mjs';
import { startProcess, waitFor } from './process.mjs';

const CANAILLE = join(TOP, 'target/canaille/bin/canaille');

/**
 * Starts Canaille on a loopback port with these people and their groups, and one client. `dir` is
 * for files, and `log` is where Canaille writes its log.
 */
export async function startCanaille({ port, dir, log, people, client }) {
  mkdirSync(dir, { recursive: true });
  const host = `login.localhost:${port}`;
  const file = join(dir, 'canaille.toml');
  writeFileSync(file, configuration(host, join(dir, 'canaille.sqlite')), { mode: 0o600 });
  // Without this, its library refuses to work without TLS.
  const env = { CANAILLE_CONFIG: file, AUTHLIB_INSECURE_TRANSPORT: '1' };
  const run = (args, input) => execFileSync(CANAILLE, args, { input, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  run(['install']);
  run(['restore'], JSON.stringify(content(people, client)));
  const running = startProcess(CANAILLE, ['run', '--bind', `127.0.0.1:${port}`], { log, env });
  try {
    await waitFor(running, async () => {
      const answer = await new Client().send(`http://${host}/.well-known/openid-configuration`);
      if (answer.status !== 200) throw new Error(`Canaille answers ${answer.status}`);
    });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    issuer: `http://${host}`,
    /** Replaces the members of a group. */
    setMembers: (group, uids) => run(['set', 'group', `group-${group}`, ...uids.flatMap((uid) => ['--members', uid])]),
    stop: running.stop,
  };
}

const configuration = (host, database) => `
SECRET_KEY = "${randomBytes(32).toString('hex')}"
SERVER_NAME = "${host}"
PREFERRED_URL_SCHEME = "http"
[CANAILLE]
DATABASE = "sql"
[CANAILLE.ACL.DEFAULT]
PERMISSIONS = ["use_oidc"]
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///${database}"
[CANAILLE_OIDC]
ACTIVE_JWKS = [${signingKey()}]
`;

/** A private key as an inline table of TOML. */
function signingKey() {
  const { privateKey } = keyPair('rsa', { modulusLength: 2048 });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'canaille' };
  return `{${Object.entries(jwk).map(([name, value]) => `${name} = "${value}"`).join(', ')}}`;
}

/** What Canaille stores, in the form of its dumps. */
function content(people, client) {
  const groups = [...new Set(people.flatMap(({ groups: own }) => own))];
  return {
    user: people.map(({ uid, name, mail, password }) => ({
      id: uid, user_name: uid, password, formatted_name: name, given_name: name.split(' ')[0], family_name: name.split(' ').at(-1), emails: [mail],
    })),
    group: groups.map((name) => ({ id: `group-${name}`, display_name: name, members: people.filter(({ groups: own }) => own.includes(name)).map(({ uid }) => uid) })),
    // The ID tokens are for the clients in `audience`. A client of a trusted domain shows no question.
    client: [{ id: 'client', audience: ['client'], client_name: client.client_id, client_uri: 'http://acme.localhost', ...client }],
  };
}
