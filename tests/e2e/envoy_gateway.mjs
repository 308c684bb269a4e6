/** Envoy Gateway without a cluster, which reads manifests from files and starts Envoy by itself. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

import { LOGS, manifests, text } from './control_planes.mjs';
import { TOP } from './envoy.mjs';
import { startProcess, waitFor } from './process.mjs';

const PROGRAM = join(TOP, 'target/control-planes/bin/envoy-gateway');
export const LOG = join(LOGS, 'envoy-gateway.log');
/** Envoy Gateway looks for an Envoy by its version, and takes ours for this one. */
const VERSION = '1.0.0';

/**
 * Starts Envoy Gateway with a Gateway, and with `documents`, the manifests of Tenantgate. `dir` is
 * for files, and `env` are the variables of Envoy.
 */
export async function startEnvoyGateway({ dir, documents, env }) {
  const home = (name) => join(dir, name);
  const [files, envoy] = [home('manifests'), home(`data/envoy-versions/${VERSION}/bin`)];
  for (const folder of [files, envoy]) mkdirSync(folder, { recursive: true });
  symlinkSync(join(TOP, 'target/venv/bin/envoy'), join(envoy, 'envoy'));
  execFileSync(PROGRAM, ['certgen', '--local', '--config-home', home('config')]);
  const certificate = (name) => join(home('config'), 'certs/envoy', name);
  const base64 = (name) => readFileSync(certificate(name)).toString('base64');
  const gateway = manifests('tests/control_planes/envoy_gateway.yaml', {
    ENVOY_VERSION: VERSION, CA: base64('ca.crt'), CERTIFICATE: base64('tls.crt'), KEY: base64('tls.key'), CA_FILE: certificate('ca.crt'),
  });
  /** Replaces the file at once, as an editor does. */
  const write = (documents) => {
    const isSame = (one, other) => one.kind === other.kind && one.metadata.name === other.metadata.name;
    const others = gateway.filter((manifest) => !documents.some((document) => isSame(document, manifest)));
    writeFileSync(home('.new.yaml'), text([...others, ...documents]));
    renameSync(home('.new.yaml'), join(files, 'all.yaml'));
  };
  write(documents);
  writeFileSync(home('envoy-gateway.yaml'), stringify(configuration(files, home)));
  const running = startProcess(PROGRAM, ['server', '--config-path', home('envoy-gateway.yaml')], { log: LOG, env: { ...env, HOME: dir } });
  return {
    /** What is there besides `documents`, which win over a manifest of the same kind and name. */
    gateway,
    apply: write,
    waitFor: (attempt) => waitFor(running, attempt, 120),
    stop: running.stop,
  };
}

const configuration = (files, home) => ({
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyGateway',
  gateway: { controllerName: 'gateway.envoyproxy.io/gatewayclass-controller' },
  provider: {
    type: 'Custom',
    custom: {
      resource: { type: 'File', file: { paths: [files] } },
      infrastructure: { type: 'Host', host: { configHome: home('config'), dataHome: home('data'), stateHome: home('state'), runtimeDir: home('run') } },
    },
  },
  extensionApis: { enableBackend: true, enableEnvoyPatchPolicy: true },
});
