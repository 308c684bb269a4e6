/** Keycloak, with the realms of keycloak.realms.json. `build.sh` unpacks it to target/keycloak. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { TOP } from './envoy.mjs';
import { startProcess, waitFor } from './process.mjs';

const HOST = 'login.localhost';

/**
 * Starts Keycloak on a loopback port and imports the realms.
 *
 * `values` replace `${NAME}` in the realms. `people` maps a realm to its users. `hosts` are names
 * that Keycloak calls back. `dir` is for files, and `log` is where Keycloak writes its log.
 */
export async function startKeycloak({ port, dir, log, hosts, values, people }) {
  const url = `http://${HOST}:${port}`;
  const password = randomBytes(16).toString('hex');
  // Java does not resolve `*.localhost`.
  const hostsFile = join(dir, 'hosts');
  writeFileSync(hostsFile, [HOST, ...hosts].map((name) => `127.0.0.1 ${name}\n`).join(''));
  const options = ['--optimized', '--cache=local', '--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`, `--hostname=${url}`];
  const running = startProcess(join(TOP, 'target/keycloak/bin/kc.sh'), ['start', ...options], {
    log,
    env: {
      JAVA_OPTS_KC_HEAP: '-Xms256m -Xmx900m',
      JAVA_OPTS_APPEND: `-XX:TieredStopAtLevel=1 -Djdk.net.hosts.file=${hostsFile}`,
      KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
      KC_BOOTSTRAP_ADMIN_PASSWORD: password,
    },
    grace: 30,
  });
  const origin = `http://127.0.0.1:${port}`;
  const admin = administrator(origin, password);
  try {
    await waitFor(running, admin.token, 180);
    for (const realm of realms({ ...values, KEYCLOAK: url }, people)) await admin('POST', '', realm);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    admin,
    issuer: (realm) => `${url}/realms/${realm}`,
    /** An access token by the client credentials grant. */
    clientToken: (realm, id, secret) => tokenFrom(origin, realm, { grant_type: 'client_credentials', client_id: id, client_secret: secret }),
    /** The representation of a user: `id` and more. */
    user: async (realm, username) => (await admin('GET', `/${realm}/users?exact=true&username=${username}`))[0],
    stop: running.stop,
  };
}

/** What keycloak.realms.json has, with users. */
function realms(values, people) {
  const text = readFileSync(new URL('keycloak.realms.json', import.meta.url), 'utf8');
  const filled = (_name, value) => (typeof value === 'string' ? value.replace(/\$\{(\w+)\}/g, (_, name) => values[name]) : value);
  return JSON.parse(text, filled).map((realm) => {
    const members = people[realm.realm] ?? [];
    const groups = [...new Set(members.flatMap(({ groups }) => groups))].map((name) => ({ name }));
    return { ...realm, groups: [...(realm.groups ?? []), ...groups], users: members.map(user) };
  });
}

const user = ({ uid, name, mail, password, groups }) => ({
  username: uid,
  firstName: name.split(' ')[0],
  lastName: name.split(' ').at(-1),
  email: mail,
  emailVerified: true,
  enabled: true,
  groups: groups.map((group) => `/${group}`),
  credentials: [{ type: 'password', value: password }],
});

async function tokenFrom(origin, realm, form) {
  const answer = await fetch(`${origin}/realms/${realm}/protocol/openid-connect/token`, { method: 'POST', body: new URLSearchParams(form) });
  if (!answer.ok) throw new Error(`Keycloak gives ${form.client_id} no token: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).access_token;
}

/** Calls of the Admin REST API below `/admin/realms`. */
function administrator(origin, password) {
  const token = () => tokenFrom(origin, 'master', { grant_type: 'password', client_id: 'admin-cli', username: 'admin', password });
  /** The answer, or for a new thing its id. */
  const call = async (method, path, body) => {
    const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/admin/realms${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? answer.headers.get('location')?.split('/').at(-1) : JSON.parse(text);
  };
  return Object.assign(call, { token });
}

/** Lets `realm` take its users and their groups from `directory`, a slapd, without a cache. */
export async function ldapFederation(admin, realm, { url, service, base }) {
  const add = async (component) => admin('POST', `/${realm}/components`, {
    ...component, config: Object.fromEntries(Object.entries(component.config).map(([name, value]) => [name, [value]])),
  });
  // Keycloak adds mappers for user name, names and e-mail address by itself.
  const parentId = await add({
    name: 'ldap', providerId: 'ldap', providerType: 'org.keycloak.storage.UserStorageProvider', parentId: (await admin('GET', `/${realm}`)).id,
    config: {
      vendor: 'other', connectionUrl: url, authType: 'simple', bindDn: service.dn, bindCredential: service.password, editMode: 'READ_ONLY',
      usersDn: `ou=people,${base(realm)}`, userObjectClasses: 'inetOrgPerson', usernameLDAPAttribute: 'uid', rdnLDAPAttribute: 'uid',
      uuidLDAPAttribute: 'entryUUID', trustEmail: 'true', cachePolicy: 'NO_CACHE',
    },
  });
  await add({
    name: 'groups', providerId: 'group-ldap-mapper', providerType: 'org.keycloak.storage.ldap.mappers.LDAPStorageMapper', parentId,
    config: {
      'groups.dn': `ou=groups,${base(realm)}`, 'group.name.ldap.attribute': 'cn', 'group.object.classes': 'groupOfNames', mode: 'READ_ONLY',
      'membership.ldap.attribute': 'member', 'membership.attribute.type': 'DN', 'membership.user.ldap.attribute': 'uid',
      'user.roles.retrieve.strategy': 'LOAD_GROUPS_BY_MEMBER_ATTRIBUTE', 'preserve.group.inheritance': 'false',
    },
  });
}

/**
 * Registers a SAML service provider in `realm`, and returns the address and the certificate (PEM)
 * of the realm as its identity provider.
 */
export async function samlClient({ admin, issuer }, realm, { entityId, acs }) {
  const attribute = (name, mapper, config) => ({ name, protocol: 'saml', protocolMapper: mapper, config: { 'attribute.name': name, ...config } });
  await admin('POST', `/${realm}/clients`, {
    clientId: entityId, protocol: 'saml', redirectUris: [acs],
    attributes: { 'saml.assertion.signature': 'true', 'saml.client.signature': 'false', 'saml.force.post.binding': 'true', saml_name_id_format: 'username' },
    protocolMappers: [
      attribute('username', 'saml-user-property-mapper', { 'user.attribute': 'username' }),
      attribute('email', 'saml-user-property-mapper', { 'user.attribute': 'email' }),
      attribute('groups', 'saml-group-membership-mapper', { single: 'true', 'full.path': 'false' }),
    ],
  });
  const keys = await admin('GET', `/${realm}/keys`);
  const { certificate } = keys.keys.find(({ kid }) => kid === keys.active.RS256);
  return {
    ssoURL: `${issuer(realm)}/protocol/saml`,
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
  };
}
