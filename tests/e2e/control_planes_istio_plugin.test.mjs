/** Tier `control-planes`: Istio with envoy/istio.yaml as it is. */
import { istioScenarios } from './control_planes_istio.mjs';
import { manifests } from './control_planes.mjs';

const plugin = manifests('envoy/istio.yaml').find(({ kind }) => kind === 'WasmPlugin');

istioScenarios({ plugin, tenants: plugin.spec.pluginConfig.tenants, hasBodies: false });
