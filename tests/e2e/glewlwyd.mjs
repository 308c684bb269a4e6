/** Glewlwyd, an OpenID Provider of Debian, with its SQLite store. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client } from './client.mjs';
import { keyPair } from './key_pair.mjs';
import { startProcess, waitFor } from './process.mjs';

const LIBRARY = '/usr/lib/glewlwyd';
const SCHEMA = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';
/** The path of the provider, which is a plugin with this name. */
const PLUGIN = 'oidc';
const SCOPES = ['openid', 'profile', 'email', 'groups', 'offline_access'];

/**
 * Starts Glewlwyd on a loopback port with these people and one client, whose scopes are granted.
 * `dir` is for files, and `log` is where Glewlwyd writes its log.
 */
export async function startGlewlwyd({ port, dir, log, people, client }) {
  mkdirSync(dir, { recursive: true });
  const [file, database] = ['glewlwyd.conf', 'glewlwyd.sqlite'].map((name) => join(dir, name));
  const url = `http://login.localhost:${port}`;
  const issuer = `${url}/api/${PLUGIN}`;
  writeFileSync(file, configuration(port, url, database));
  const create = 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())';
  execFileSync('python3', ['-c', create, database, SCHEMA]);
  const running = startProcess('glewlwyd', [`--config-file=${file}`], { log });
  const call = (session) => async (method, path, body) => {
    const answer = await session.send(`${url}/api${path}`, { method, json: body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer.body && JSON.parse(answer.body);
  };
  try {
    const admin = call(new Client());
    await waitFor(running, () => admin('POST', '/auth/', { username: 'admin', password: 'password' }));
    const users = await admin('GET', '/mod/user/database');
    users.parameters['data-format'].groups = { multiple: true, read: true, write: true };
    await admin('PUT', '/mod/user/database', users);
    await admin('PUT', '/mod/user/database/reset', undefined);
    for (const name of SCOPES.slice(1)) await admin('POST', '/scope/', { name, display_name: name, password_required: true, scheme: {} });
    await admin('POST', '/mod/plugin/', { module: 'oidc', name: PLUGIN, display_name: PLUGIN, parameters: parameters(issuer) });
    for (const { uid, name, mail, password, groups } of people) {
      await admin('POST', '/user/', { username: uid, name, email: mail, password, groups, enabled: true, scope: ['g_profile', ...SCOPES] });
    }
    await admin('POST', '/client/', { name: client.client_id, enabled: true, confidential: true, authorization_type: ['code', 'refresh_token'], scope: [], ...client });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    issuer,
    /** Signs in, as the pages of Glewlwyd do by scripts. Ends at the page where the login began. */
    async signIn(browser, page, { uid, password }) {
      const form = await browser.follow(page);
      const query = new URL(form.url).searchParams;
      const ask = call(browser);
      await ask('POST', '/auth/', { username: uid, password });
      await ask('PUT', `/auth/grant/${query.get('client_id')}`, { scope: query.get('scope') });
      return browser.follow(`${query.get('callback_url')}&g_continue`);
    },
    stop: running.stop,
  };
}

const configuration = (port, url, database) => `
port=${port}
bind_address="127.0.0.1"
external_url="${url}"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="INFO"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
login_api_enabled=true
admin_scope="g_admin"
profile_scope="g_profile"
${['user', 'client', 'plugin'].map((kind) => `${kind}_module_path="${LIBRARY}/${kind}"`).join('\n')}
user_auth_scheme_module_path="${LIBRARY}/scheme"
hash_algorithm="SHA512"
static_files_path="/usr/share/glewlwyd/webapp/"
database = { type = "sqlite3" path = "${database}" };
`;

function parameters(issuer) {
  const { privateKey, publicKey } = keyPair('rsa', { modulusLength: 2048 });
  return {
    iss: issuer, 'oauth-as-iss-id': true, 'jwt-type': 'rsa', 'jwt-key-size': '256',
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: publicKey.export({ type: 'spki', format: 'pem' }),
    'access-token-duration': 3600, 'refresh-token-duration': 86_400, 'code-duration': 60, 'refresh-token-rolling': true,
    'auth-type-code-enabled': true, 'auth-type-refresh-enabled': true, 'pkce-allowed': true, 'jwks-show': true,
    'allowed-scope': SCOPES, 'name-claim': 'on-demand', 'email-claim': 'mandatory', 'scope-claim': 'no',
    claims: [['groups', 'groups'], ['preferred_username', 'username']].map(([name, property]) => ({ name, 'user-property': property, type: 'string', mandatory: true })),
  };
}
