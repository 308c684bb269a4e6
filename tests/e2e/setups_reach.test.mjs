/** Broken set-ups: Envoy does not reach the provider, or another server answers. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { authority } from './certificates.mjs';
import { Client } from './client.mjs';
import { TOP } from './envoy.mjs';
import { findLine } from './setup_rows.mjs';
import { startSetups, theme } from './setups.mjs';

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-ca-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const ca = join(folder, 'ca.pem');
const root = authority('Acme Root');
writeFileSync(ca, root.ca);

const host = (tenant) => `login-${tenant}.localhost`;

/** What makes a cluster speak TLS to the provider of `tenant`. */
const tls = (tenant, change = {}) => (cluster) => {
  cluster.transport_socket = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      sni: host(tenant),
      common_tls_context: { validation_context: {
        trusted_ca: { filename: ca }, match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: host(tenant) } }],
      } },
      ...change,
    },
  };
};

/** A provider that shows this certificate. */
const shows = (tenant, identity) => ({ provider: { tls: identity }, cluster: tls(tenant) });

const address = (cluster) => cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address;

/** A proxy in front of the provider that answers in its place. */
const answers = (status, body) => ({ provider: { front: (ctx) => Object.assign(ctx, { status, type: 'html', body }) } });

const { broken, works } = theme({
  tenants: {
    correct: shows('correct', root.issue(host('correct'))),
    misspelt: { configure: (tenant) => { tenant.provider.cluster = 'mispelt'; } },
    'closed-port': { cluster: (cluster, ports) => { address(cluster).port_value = ports.closed; } },
    'no-such-name': { cluster: (cluster) => {
      cluster.type = 'STRICT_DNS';
      address(cluster).address = 'login.acme.invalid';
    } },
    'tls-to-plain': { cluster: tls('tls-to-plain') },
    'plain-to-tls': { provider: { tls: root.issue(host('plain-to-tls')) } },
    'unknown-authority': shows('unknown-authority', authority('Other Root').issue(host('unknown-authority'))),
    'other-name': shows('other-name', root.issue('login.globex.example')),
    expired: shows('expired', root.issue(host('expired'), new Date('2024-01-01'))),
    'no-sni': { ...shows('no-sni', { SNICallback: (name, done) => done(new Error(`unknown ${name}`)) }), cluster: tls('no-sni', { sni: '' }) },
    'newer-tls': shows('newer-tls', { ...root.issue(host('newer-tls')), minVersion: 'TLSv1.3' }),
    'html-page': answers(200, '<html>Sign in to the Wi-Fi</html>'),
    'bad-gateway': answers(502, '<html>Bad Gateway</html>'),
    slow: { provider: { front: () => new Promise(() => {}) }, configure: (tenant) => { tenant.provider.timeout = '200ms'; } },
  },
});

works('a provider behind TLS works', 'correct', (all) => new Client().open(all.page('correct')), 302);

broken('`provider.cluster` names no cluster of Envoy.', 'misspelt');
broken('Nothing listens at the port of the cluster.', 'closed-port');
broken('The name of the cluster\'s endpoint does not resolve.', 'no-such-name');
broken('The cluster speaks TLS, and the provider does not.', 'tls-to-plain');
broken('The provider speaks TLS, and the cluster does not.', 'plain-to-tls');
broken('The certificate is of an authority that the cluster does not trust.', 'unknown-authority');
broken('The certificate is for another name.', 'other-name');
broken('The certificate has expired.', 'expired');
broken('The cluster sends no name (`sni`).', 'no-sni');
broken('The provider takes TLS 1.3 only, and the cluster offers TLS 1.2.', 'newer-tls');
broken('A proxy answers with a page of its own.', 'html-page');
broken('A proxy in front of the provider does not reach it.', 'bad-gateway');
broken('The provider does not answer in time.', 'slow');

test('the line has the reason of a failed handshake, where Envoy is told not to hide it', async () => {
  const feature = 'envoy.reloadable_features.hide_transport_failure_reason_in_response_body';
  assert.ok(readFileSync(join(TOP, 'docs/operations.md'), 'utf8').includes(`${feature}: false`));
  const all = await startSetups({ dir: folder, tenants: { acme: shows('acme', root.issue('login.globex.example')) }, change: ({ envoy }) => {
    envoy.layered_runtime = { layers: [{ name: 'reasons', static_layer: { [feature]: false } }] };
  } });
  try {
    await findLine(all.log, { words: ['jwks_fetch_failed', 'cluster', 'CERTIFICATE_VERIFY_FAILED'], debug: false }, 'acme');
  } finally {
    await all.stop();
  }
});
