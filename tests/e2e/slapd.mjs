/** An OpenLDAP server on loopback, with users and `groupOfNames`. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Attribute, Change, Client } from 'ldapts';

import { startProcess, waitFor } from './process.mjs';

/** Starts slapd in `dir` and fills it with `people`. */
export async function startDirectory({ port, dir, people }) {
  const url = `ldap://127.0.0.1:${port}`;
  const service = { dn: `cn=service,${ROOT}`, password: randomBytes(16).toString('hex') };
  mkdirSync(join(dir, 'data'), { recursive: true });
  const conf = join(dir, 'slapd.conf');
  writeFileSync(conf, configuration(dir, service), { mode: 0o600 });
  let slapd;
  /** Starts the server, also again after `stop`, with the entries that it had. */
  const start = async () => {
    slapd = startProcess('slapd', ['-f', conf, '-h', url, '-d', '0'], { log: join(dir, 'slapd.log') });
    await waitFor(slapd, () => edit(() => {}));
  };
  /** Gives `act` a client that may change the directory. */
  const edit = async (act) => {
    const client = new Client({ url });
    await client.bind(service.dn, service.password);
    await act(client);
    await client.unbind();
  };
  try {
    await start();
    await edit(async (client) => {
      for (const [dn, entry] of entries(people)) await client.add(dn, entry);
    });
  } catch (error) {
    await slapd.stop();
    throw error;
  }
  return {
    url, service, base: baseOf, edit, start,
    /** Removes a person, who stays a member of groups. */
    remove: (tenant, { uid }) => edit((client) => client.del(personIn(tenant, uid))),
    /** Takes a person out of a group that has other members. */
    leave: (tenant, { uid }, group) => edit((client) => client.modify(groupIn(tenant, group), new Change({
      operation: 'delete', modification: new Attribute({ type: 'member', values: [personIn(tenant, uid)] }),
    }))),
    stop: () => slapd.stop(),
  };
}

const ROOT = 'dc=example';
const baseOf = (tenant) => `dc=${tenant},${ROOT}`;
const personIn = (tenant, uid) => `uid=${uid},ou=people,${baseOf(tenant)}`;
const groupIn = (tenant, name) => `cn=${name.replace(/[,+"\\<>;=]/g, '\\$&')},ou=groups,${baseOf(tenant)}`;

const configuration = (dir, { dn, password }) => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${dir}/slapd.pid
database mdb
directory ${dir}/data
suffix "${ROOT}"
rootdn "${dn}"
rootpw ${password}
access to attrs=userPassword by anonymous auth by * none
access to * by * none
`;

/** Every entry as `[dn, attributes]`, parents first. */
function* entries(people) {
  yield [ROOT, { objectClass: ['dcObject', 'organization'], o: 'example', dc: 'example' }];
  for (const [tenant, members] of Object.entries(people)) {
    const base = baseOf(tenant);
    yield [base, { objectClass: ['dcObject', 'organization'], o: tenant, dc: tenant }];
    for (const ou of ['people', 'groups']) yield [`ou=${ou},${base}`, { objectClass: 'organizationalUnit', ou }];
    const dnOf = ({ uid }) => personIn(tenant, uid);
    for (const person of members) {
      const { uid, name, mail, password } = person;
      yield [dnOf(person), { objectClass: 'inetOrgPerson', uid, cn: name, sn: name.split(' ').at(-1), mail, userPassword: password }];
    }
    for (const group of new Set(members.flatMap(({ groups }) => groups))) {
      const member = members.filter(({ groups }) => groups.includes(group)).map(dnOf);
      yield [groupIn(tenant, group), { objectClass: 'groupOfNames', cn: group, member }];
    }
  }
}
