/** Envoy, dex, and what dex asks for users: what the tests of the tier `dex` have in common. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';

import { eventually, naming, observe } from './assertions.mjs';
import { Client } from './client.mjs';
import { issuerAt, startDex } from './dex.mjs';
import { TOP } from './envoy.mjs';
import { signIn } from './forms.mjs';
import { startGateway } from './gateway.mjs';
import { freePorts } from './ports.mjs';

/**
 * Runs a stack during the tests of one file, and returns `test` and the stack.
 *
 * - `tenants` maps the name of a tenant to what its configuration has beyond the common. Each has
 *   the host `<name>.localhost`.
 * - `connectors` starts what is behind dex, and returns dex's connectors. It gets the `ports`, a
 *   `dir` for files, a `log`, the `issuer`, and `stopLater` for what it started.
 * - `signingKeys` is as in dex.mjs.
 */
export function dexStack(name, { tenants, connectors, signingKeys }) {
  const logs = join(TOP, 'target/test-logs');
  const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
  const [dexLog, envoyLog] = ['server', 'envoy'].map((of) => join(logs, `${name}-${of}.log`));
  const secret = randomBytes(24).toString('base64url');
  const named = naming({ dex: dexLog, Envoy: envoyLog });
  const parts = [];
  const stack = {
    test: (title, action) => nodeTest(title, named(action)),
    envoyLog,
    secret,
    origin: (tenant) => `http://${tenant}.localhost:${stack.ports.gateway}`,
    /** A client with a session, and what the upstream received at its login. */
    async signedIn(tenant, person) {
      const client = new Client();
      const open = () => client.open(`${stack.origin(tenant)}/`);
      return { client, open, seen: await stack.received(() => signIn(client, `${stack.origin(tenant)}/`, person)) };
    },
  };

  before(named(async () => {
    mkdirSync(logs, { recursive: true });
    stack.ports = await freePorts(['gateway', 'provider', 'upstream', 'admin', 'ldap', 'keycloak']);
    const { gateway: port, provider } = stack.ports;
    const stopLater = (part) => { parts.push(part); return part; };
    const behind = await connectors({ ports: stack.ports, dir, log: join(logs, `${name}-behind.log`), issuer: issuerAt(provider), stopLater });
    const redirectURIs = Object.keys(tenants).map((tenant) => `http://${tenant}.localhost:${port}/oauth2/callback`);
    stack.dex = stopLater(await startDex({
      port: provider, dir, log: dexLog, connectors: behind, client: { id: 'tenantgate', secret, redirectURIs }, signingKeys,
    }));
    stack.gateway = stopLater(await startGateway({
      ports: stack.ports, dir, log: envoyLog, tenants: Object.entries(tenants).map(([tenant, more]) => configuration(stack, tenant, more)),
    }));
    Object.assign(stack, observe(stack.gateway));
    for (const tenant of Object.keys(tenants)) {
      await eventually(async () => (await new Client().open(`${stack.origin(tenant)}/`)).status === 302);
    }
  }));

  after(async () => {
    for (const part of parts.reverse()) await part.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  return stack;
}

/** The configuration of a tenant. */
function configuration({ dex, secret, origin }, name, { login, ...more }) {
  return {
    name, hosts: [`${name}.localhost`], issuer: dex.issuer, allow_insecure_issuer: true, client_id: 'tenantgate', client_secret: secret,
    provider: { cluster: 'provider', discovery: true },
    login: { redirect_uri: `${origin(name)}/oauth2/callback`, ...login },
    identity: { user: 'preferred_username' },
    ...more,
  };
}
