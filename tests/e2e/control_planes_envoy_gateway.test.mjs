/** Tier `control-planes`: Envoy Gateway with envoy/envoy-gateway.yaml as it is. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually, naming, observe, values } from './assertions.mjs';
import { Client } from './client.mjs';
import { manifests, startSurroundings } from './control_planes.mjs';
import { ACME, postLogout, scenarios, signedIn } from './control_planes_scenarios.mjs';
import { LOG, startEnvoyGateway } from './envoy_gateway.mjs';
import { people } from './people.mjs';
import { startUpstream } from './upstream.mjs';

const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));
const logs = { 'Envoy Gateway': LOG };
const [ada, bob] = people.acme;
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
    proxy: gateway.gateway.find(({ kind }) => kind === 'EnvoyProxy'),
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
  const admin = await signedIn(ada);
  assert.equal((await received(() => admin.open(`${ACME}//admin//x`))).path, '/admin/x');
  assert.equal((await denied(() => admin.open(`${ACME}/admin%2fx`))).location, `${ACME}/admin/x`);
}));

/** A manifest of Envoy Gateway with this name. */
const manifest = (kind, name, spec) => ({ apiVersion: 'gateway.envoyproxy.io/v1alpha1', kind, metadata: { name, namespace: 'default' }, spec });

const ROUTE = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'application' };

test('the authorization of a SecurityPolicy comes behind the filter', naming(logs)(async () => {
  const { received, denied } = observe(surroundings);
  const only = (tenant) => manifest('SecurityPolicy', 'authorization', {
    targetRefs: [ROUTE],
    authorization: { defaultAction: 'Deny', rules: [{ action: 'Allow', principal: { headers: [{ name: 'x-auth-request-tenant', values: [tenant] }] } }] },
  });
  const client = await signedIn(bob);
  const open = () => client.open(`${ACME}/`, { 'x-auth-request-tenant': 'globex' });
  plane.apply([...documents, only('globex')]);
  await eventually(async () => (await open()).status === 403);
  assert.equal((await denied(open)).body, 'RBAC: access denied');
  plane.apply([...documents, only('acme')]);
  await eventually(async () => (await open()).status === 200);
  await received(open);
}));

test('external authorization comes before the filter, unless the EnvoyProxy says otherwise', naming(logs)(async () => {
  const authorizer = await startUpstream({ port: 8084 });
  try {
    const policies = [
      manifest('Backend', 'authorizer', { endpoints: [{ ip: { address: '127.0.0.1', port: 8084 } }] }),
      manifest('SecurityPolicy', 'external', {
        targetRefs: [ROUTE],
        extAuth: { headersToExtAuth: ['x-auth-request-user'], http: { backendRefs: [{ group: 'gateway.envoyproxy.io', kind: 'Backend', name: 'authorizer' }] } },
      }),
    ];
    const client = await signedIn(bob);
    /** The users that the authorizer sees while `who` says to be ada. */
    const asked = async (who) => {
      const before = authorizer.received.length;
      await who.open(`${ACME}/`, { 'x-auth-request-user': 'ada' });
      return authorizer.received.slice(before).map((request) => values(request, 'x-auth-request-user').join()).join();
    };
    plane.apply([...documents, ...policies]);
    await eventually(async () => (await asked(new Client())) === 'ada');
    assert.equal(await asked(client), 'ada');

    const first = { name: 'envoy.filters.http.wasm', before: 'envoy.filters.http.ext_authz' };
    plane.apply([...documents, ...policies, { ...plane.proxy, spec: { ...plane.proxy.spec, filterOrder: [first] } }]);
    await eventually(async () => (await asked(client)) === 'bob');
    assert.equal(await asked(new Client()), '');
  } finally {
    plane.apply();
    await authorizer.stop();
  }
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

/** Another EnvoyExtensionPolicy, which has nothing in it. */
const policy = (name, targets, more) => manifest('EnvoyExtensionPolicy', name, { targetRefs: targets, lua: [], ...more });

/** Waits until a visitor gets this status, who says to be ada. */
const visitorGets = (status) =>
  eventually(async () => (await new Client().open(`${ACME}/`, { 'x-auth-request-user': 'ada' })).status === status);

test('an EnvoyExtensionPolicy for a route takes the filter out of it only without the EnvoyPatchPolicy', naming(logs)(async () => {
  const { received, denied } = observe(surroundings);
  const without = structuredClone(documents);
  const { spec } = without.find(({ kind }) => kind === 'EnvoyPatchPolicy');
  spec.jsonPatches = spec.jsonPatches.filter(({ operation }) => operation.path !== 'disabled');
  plane.apply([...without, policy('other', [ROUTE])]);
  await visitorGets(200);
  const seen = await received(() => new Client().open(`${ACME}/`, { 'x-auth-request-user': 'ada' }));
  assert.deepEqual(values(seen, 'x-auth-request-user'), ['ada']);
  plane.apply([...without, policy('merged', [ROUTE], { mergeType: 'StrategicMerge' })]);
  await visitorGets(302);

  // If no route has the policy of Tenantgate, the filter is not there to be patched.
  plane.apply([...documents, policy('other', [ROUTE, { ...ROUTE, name: 'dex-acme-example' }])]);
  await visitorGets(200);
  plane.apply([...documents, policy('other', [ROUTE])]);
  await visitorGets(302);
  await denied(() => visitorGets(302));
}));

test('of two policies for the Gateway only one counts', naming(logs)(async () => {
  const { denied } = observe(surroundings);
  const gateway = { ...ROUTE, kind: 'Gateway', name: 'eg' };
  // As old as ours; then the name decides.
  plane.apply([...documents, policy('a', [gateway])]);
  await visitorGets(200);
  plane.apply([...documents, policy('z', [gateway])]);
  await visitorGets(302);
  await denied(() => visitorGets(302));
}));
