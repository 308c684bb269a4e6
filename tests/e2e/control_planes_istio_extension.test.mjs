/** Tier `control-planes`: Istio with envoy/istio-traffic-extension.yaml for the WasmPlugin. */
import { istioScenarios } from './control_planes_istio.mjs';
import { manifests } from './control_planes.mjs';

const [extension] = manifests('envoy/istio-traffic-extension.yaml');

istioScenarios({ plugin: extension, tenants: extension.spec.wasm.pluginConfig.tenants, hasBodies: false });
