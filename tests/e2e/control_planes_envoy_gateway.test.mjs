/** Tier `control-planes`: Envoy Gateway with envoy/envoy-gateway.yaml as it is. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually, naming, observe } from './assertions.mjs';
import { Client } from './client.mjs';
import { manifests, startSurroundings } from './control_planes.mjs';
import { ACME, postLogout, scenarios, signedIn } from './control_planes_scenarios.mjs';
import { LOG, startEnvoyGateway } from './envoy_gateway.mjs';
import { people } from './people.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const logs = { 'Envoy Gateway': LOG };
const documents = manifests('envoy/envoy-gateway.yaml');
let surroundings, plane;

before(naming(logs)(async () => {
  surroundings = await startSurroundings();
  const spec = (wanted) => documents.find(({ kind }) => kind === wanted).spec;
  const gateway = await startEnvoyGateway({ dir, documents, env: surroundings.env });
  plane = {
    tenants: spec('EnvoyExtensionPolicy').wasm[0].config.tenants,
    nameIssuer: (name) => { spec('BackendTLSPolicy').validation.hostname = name; },
    apply: (wanted = documents) => gateway.apply(wanted),
    isTheSame: () => assert.equal(readFileSync(LOG, 'utf8').match(/starting: .*\/envoy /g).length, 1),
    stop: gateway.stop,
  };
  await gateway.waitFor(async () => assert.equal((await new Client().open(`${ACME}/`)).status, 302));
}));

after(async () => {
  await plane?.stop();
  await surroundings?.stop();
  rmSync(dir, { recursive: true, force: true });
});

scenarios({
  context: () => ({ surroundings, plane }),
  logs,
  hasBodies: true,
  refusals: { '//admin/x': 403, '/admin%2fx': 403, '/x/..%2fadmin/x': 403, '/admin;a=b/x': 400, '/ADMIN': 400 },
});

test('Envoy Gateway merges slashes, and redirects from escaped ones', naming(logs)(async () => {
  const { received, denied } = observe(surroundings);
  const admin = await signedIn(people.acme[0]);
  assert.equal((await received(() => admin.open(`${ACME}//admin//x`))).path, '/admin/x');
  assert.equal((await denied(() => admin.open(`${ACME}/admin%2fx`))).location, `${ACME}/admin/x`);
}));

test('without an EnvoyPatchPolicy that fits, a back-channel logout gets 408, since its body does not come', naming(logs)(async () => {
  const elsewhere = structuredClone(documents);
  for (const patch of elsewhere.find(({ kind }) => kind === 'EnvoyPatchPolicy').spec.jsonPatches) patch.name = 'default/eg/other';
  for (const wanted of [elsewhere, documents.filter(({ kind }) => kind !== 'EnvoyPatchPolicy')]) {
    plane.apply(wanted);
    await eventually(async () => (await postLogout()).status === 408, 1);
    plane.apply();
    await eventually(async () => (await postLogout()).status === 400, 1);
  }
}));
