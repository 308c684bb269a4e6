/** The tests with one provider and one tenant, `acme`, whose sessions are refreshed every second. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually, logged, naming, observe } from './assertions.mjs';
import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { startGateway } from './gateway.mjs';
import { freePorts } from './ports.mjs';

/**
 * Starts the provider `name` and the gateway before the tests of a file, and stops them after.
 *
 * `start({ port, dir, log, site, client })` starts the provider with this client, which has a
 * secret. `signIn(provider, browser, page, person)` signs a person in. `settings` are additional
 * settings of the tenant. What it returns is complete when the tests run.
 */
export function withProvider(name, { start, signIn, settings }) {
  const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
  const logs = join(TOP, 'target/test-logs');
  const [providerLog, envoyLog] = [`${name}.log`, `${name}-envoy.log`].map((file) => join(logs, file.toLowerCase()));
  const named = naming({ [name]: providerLog, Envoy: envoyLog });
  const client = { client_id: 'tenantgate', client_secret: randomBytes(24).toString('base64url') };
  const running = {
    test: (title, action) => test(title, named(action)),
    log: () => logged(envoyLog, 'acme'),
    /** A browser with a session, and what the upstream received at its login. */
    async signedIn(person) {
      const browser = new Client();
      const seen = await running.received(() => signIn(running.provider, browser, `${running.site}/`, person));
      return { client: browser, seen };
    },
    /** Opens pages until the session of `browser` was refreshed. The upstream gets every request. */
    async refreshed(browser) {
      const refreshes = () => running.log().match(/^session_refreshed /gm)?.length ?? 0;
      const count = refreshes();
      await eventually(async () => {
        await running.received(() => browser.open(`${running.site}/`));
        return refreshes() > count;
      }, 1);
    },
  };

  before(named(async () => {
    mkdirSync(logs, { recursive: true });
    const ports = await freePorts(['gateway', 'provider', 'upstream', 'admin']);
    running.site = `http://acme.localhost:${ports.gateway}`;
    running.provider = await start({ port: ports.provider, dir: join(dir, 'provider'), log: providerLog, site: running.site, client });
    const tenant = {
      name: 'acme', hosts: ['acme.localhost'], issuer: running.provider.issuer, allow_insecure_issuer: true, ...client,
      provider: { cluster: 'provider', discovery: true },
      login: { redirect_uri: `${running.site}/oauth2/callback`, post_logout_redirect_uri: `${running.site}/` },
      refresh: { interval: '1s' },
      access: [{ paths: ['/admin/*'], allow: { groups: ['platform-admins'] } }, { allow: 'any_user' }],
      ...settings,
    };
    running.gateway = await startGateway({ ports, dir, log: envoyLog, tenants: [tenant] });
    Object.assign(running, observe(running.gateway));
    await eventually(async () => (await new Client().open(`${running.site}/`)).status === 302);
  }));

  after(async () => {
    await running.gateway?.stop();
    await running.provider?.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  return running;
}
