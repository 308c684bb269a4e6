/**
 * Accounts from an LDAP directory, as in dex's LDAP connector: search the user, bind as the user,
 * search the groups.
 */
import { AndFilter, Client, EqualityFilter } from 'ldapts';

/**
 * The accounts of one tenant in the directory at `url`. `service` is the account `{dn, password}`
 * that may search.
 */
export function directoryAccounts({ url, base, service }) {
  const withClient = async (dn, password, use) => {
    const client = new Client({ url });
    try {
      await client.bind(dn, password);
      return await use(client);
    } finally {
      await client.unbind();
    }
  };
  const search = (filter, attributes, under) =>
    withClient(service.dn, service.password, async (client) =>
      (await client.search(`${under},${base}`, { scope: 'sub', filter, attributes })).searchEntries);
  const is = (attribute, value) => new EqualityFilter({ attribute, value });
  const entryOf = async (uid) =>
    (await search(new AndFilter({ filters: [is('objectClass', 'inetOrgPerson'), is('uid', uid)] }), ['uid', 'cn', 'mail'], 'ou=people'))[0];

  return {
    async authenticate(uid, password) {
      const entry = await entryOf(uid);
      // A bind without a password is anonymous and would succeed (RFC 4513 section 5.1.2).
      if (!entry || password === '') return undefined;
      try {
        return await withClient(entry.dn, password, () => entry.uid);
      } catch (error) {
        if (error.code === INVALID_CREDENTIALS) return undefined;
        throw error;
      }
    },
    async find(uid) {
      const entry = await entryOf(uid);
      if (!entry) return undefined;
      const filter = new AndFilter({ filters: [is('objectClass', 'groupOfNames'), is('member', entry.dn)] });
      const groups = (await search(filter, ['cn'], 'ou=groups')).map((group) => group.cn);
      return { name: entry.cn, mail: entry.mail, groups: groups.sort() };
    },
  };
}

const INVALID_CREDENTIALS = 49;
