/** Istiod's code (tests/control_planes/istio) without a cluster, and Istio's agent with Envoy. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { LOGS, manifests, text } from './control_planes.mjs';
import { TOP } from './envoy.mjs';
import { startProcess, waitFor } from './process.mjs';

const PROGRAMS = join(TOP, 'target/control-planes/bin');
/** Where istiod writes with the manifest `kind`, and the agent, whose Envoy writes there, too. */
export const logsOf = (kind) => ({ istiod: join(LOGS, `istiod-${kind}.log`), agent: join(LOGS, `istio-agent-${kind}.log`) });

/**
 * Starts istiod with an ingress gateway and with `documents`, the manifests of Tenantgate, and the
 * gateway. `dir` is for files, `env` are the variables of the gateway's container, and `logs` are
 * where the two write.
 */
export async function startIstio({ dir, documents, env, logs }) {
  const file = join(dir, 'manifests.yaml');
  const write = (documents) => {
    writeFileSync(`${file}.new`, text([...manifests('tests/control_planes/istio.yaml'), ...documents]));
    renameSync(`${file}.new`, file);
  };
  write(documents);
  const istiod = startProcess(join(PROGRAMS, 'istio'), ['127.0.0.1:15010', file], {
    log: logs.istiod,
    // Only Istio's own build of Envoy has these filters.
    env: { PILOT_ENABLE_METADATA_EXCHANGE: 'false', PILOT_DISABLE_MX_ALPN: 'true' },
  });
  const agent = startAgent(dir, env, logs.agent);
  return {
    apply(documents) {
      write(documents);
      process.kill(istiod.pid, 'SIGHUP');
    },
    waitFor: (attempt) => waitFor(agent, attempt, 120),
    async stop() {
      await agent.stop();
      await istiod.stop();
    },
  };
}

/** Starts the agent, with what a pod has in files and variables. */
function startAgent(dir, env, log) {
  const pod = join(dir, 'etc/istio/pod');
  mkdirSync(pod, { recursive: true });
  // The selectors of Istio's own kinds, and the Gateway that a `targetRef` names.
  writeFileSync(join(pod, 'labels'), 'istio="ingressgateway"\ngateway.networking.k8s.io/gateway-name="ingress"\n');
  const proxy = {
    discoveryAddress: '127.0.0.1:15010',
    controlPlaneAuthPolicy: 'NONE',
    binaryPath: join(TOP, 'target/venv/bin/envoy'),
    proxyBootstrapTemplatePath: join(PROGRAMS, 'envoy_bootstrap.json'),
    configPath: join(dir, 'etc/istio/proxy'),
    concurrency: 2,
  };
  return startProcess(join(PROGRAMS, 'pilot-agent'), ['proxy', 'router', '--proxyLogLevel=warning', '--proxyComponentLogLevel=wasm:trace'], {
    log,
    cwd: dir,
    env: {
      ...env,
      PROXY_CONFIG: JSON.stringify(proxy),
      POD_NAME: 'gateway-1',
      POD_NAMESPACE: 'istio-ingress',
      INSTANCE_IP: '127.0.1.1',
      ISTIO_META_CLUSTER_ID: 'Kubernetes',
      // There is no authority that gives certificates to pods.
      FILE_MOUNTED_CERTS: 'true',
      EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'true',
      MINIMUM_DRAIN_DURATION: '0s',
    },
    grace: 30,
  });
}
