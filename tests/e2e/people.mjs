/** The people of the tenants, and accounts from this list. */
import { readFileSync } from 'node:fs';

/** `{tenant: [{uid, name, mail, password, groups}]}` */
export const people = JSON.parse(readFileSync(new URL('people.json', import.meta.url)));

/** The accounts of one tenant, without a directory behind them. */
export const listedAccounts = (tenant) => ({
  authenticate: async (uid, password) => people[tenant].find((p) => p.uid === uid && p.password === password)?.uid,
  find: async (uid) => people[tenant].find((p) => p.uid === uid),
});
