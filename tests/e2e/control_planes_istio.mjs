/** Tier `control-planes`: the scenarios under Istio. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually, naming, observe } from './assertions.mjs';
import { Client } from './client.mjs';
import { manifests, startSurroundings } from './control_planes.mjs';
import { ACME, scenarios } from './control_planes_scenarios.mjs';
import { logsOf, startIstio } from './istio.mjs';

/** Runs the scenarios with `plugin` in the place of the WasmPlugin of envoy/istio.yaml. */
export function istioScenarios({ plugin, tenants, hasBodies }) {
  const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
  const logs = logsOf(plugin.kind);
  const documents = [plugin, ...manifests('envoy/istio.yaml').filter(({ kind }) => kind !== 'WasmPlugin')];
  let surroundings, plane;

  before(naming(logs)(async () => {
    surroundings = await startSurroundings();
    const istio = await startIstio({ dir, documents, env: surroundings.env, logs });
    plane = {
      tenants,
      nameIssuer: (name) => { documents.find(({ kind }) => kind === 'DestinationRule').spec.trafficPolicy.tls.subjectAltNames = [name]; },
      apply: () => istio.apply(documents),
      isTheSame: () => assert.equal(readFileSync(logs.agent, 'utf8').match(/Envoy command/g).length, 1),
      stop: istio.stop,
    };
    await istio.waitFor(async () => assert.equal((await new Client().open(`${ACME}/`)).status, 302));
  }));

  after(async () => {
    await plane?.stop();
    await surroundings?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  scenarios({
    context: () => ({ surroundings, plane }),
    logs,
    hasBodies,
    refusals: { '//admin/x': 400, '/admin%2fx': 400, '/x/..%2fadmin/x': 400, '/admin;a=b/x': 400, '/ADMIN': 400 },
  });

  test('the AuthorizationPolicy at the gateway comes behind the filter', naming(logs)(async () => {
    const open = () => new Client().open(`${ACME}/open`);
    assert.equal((await open()).status, 302);
    plane.tenants[0].access.unshift({ paths: ['/open'], allow: 'public' });
    plane.apply();
    await eventually(async () => (await open()).status === 403);
    const { denied } = observe(surroundings);
    // This is what Envoy says; Tenantgate lets the request pass, without an identity.
    assert.equal((await denied(open)).body, 'RBAC: access denied');
  }));
}
