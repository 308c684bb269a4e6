/** Broken set-ups: claims that are missing, or have another name or value. */
import { theme } from './setups.mjs';

const configured = (configure) => ({ configure });
const engineers = [{ allow: { groups: ['engineers'] } }];

/** A provider that gives these claims of its users, by scope. */
const gives = (values, claims) => ({ settings: {
  claims: { openid: ['sub'], ...claims }, findAccount: (_ctx, uid) => ({ accountId: uid, claims: () => ({ sub: uid, ...values }) }),
} });

const { broken, works } = theme({
  tenants: {
    correct: configured((tenant) => { tenant.access = engineers; }),
    'no-groups-scope': configured((tenant) => {
      tenant.access = engineers;
      tenant.login.scopes = ['openid', 'profile', 'email'];
    }),
    'other-groups-claim': {
      provider: gives({ roles: ['engineers'] }, { groups: ['roles'] }), configure: (tenant) => { tenant.access = engineers; },
    },
    'groups-required': {
      provider: gives({ roles: ['engineers'] }, { groups: ['roles'] }), configure: (tenant) => { tenant.identity = { groups_required: true }; },
    },
    'group-paths': {
      provider: gives({ groups: ['/engineers'] }, { groups: ['groups'] }), configure: (tenant) => { tenant.access = engineers; },
    },
    'no-user-claim': configured((tenant) => { tenant.identity = { user: 'preferred_username' }; }),
    'unverified-email': {
      provider: gives({ email: 'ada@acme.example', email_verified: false }, { email: ['email', 'email_verified'] }),
      configure: (tenant) => { tenant.access = [{ allow: { email_domains: ['acme.example'] } }]; },
    },
    'unverified-user': {
      provider: gives({ email: 'ada@acme.example', email_verified: false }, { email: ['email', 'email_verified'] }),
      configure: (tenant) => { tenant.identity = { user: 'email' }; },
    },
    'no-rule': configured((tenant) => { tenant.access = [{ paths: ['/admin/*'], allow: { groups: ['engineers'] } }]; }),
    'role-of-nobody': configured((tenant) => {
      tenant.roles = [{ name: 'admin', groups: ['admins'] }];
      tenant.access = [{ allow: { roles: ['admin'] } }];
    }),
  },
});

works('a rule about groups works', 'correct');

broken('The login does not ask for the scope that brings the groups.', 'no-groups-scope');
broken('The provider sends the groups in a claim of another name.', 'other-groups-claim');
broken('The same, with `identity.groups_required`.', 'groups-required');
broken('The names of the groups are in another form, such as `/engineers`.', 'group-paths');
broken('The ID token lacks the claim for the user.', 'no-user-claim');
broken('Rules are about addresses, and the provider has not verified them.', 'unverified-email');
broken('The address is the user, and the provider has not verified it.', 'unverified-user');
broken('No rule is about the path.', 'no-rule');
broken('A role has a group that nobody has.', 'role-of-nobody');
