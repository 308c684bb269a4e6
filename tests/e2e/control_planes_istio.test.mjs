/** Tier `control-planes`: Istio with envoy/istio-envoy-filter.yaml for the WasmPlugin. */
import { istioScenarios } from './control_planes_istio.mjs';
import { manifests } from './control_planes.mjs';

const [filter] = manifests('envoy/istio-envoy-filter.yaml');
const { tenants } = filter.spec.configPatches[0].patch.value.typed_config.config.configuration.value;

istioScenarios({ plugin: filter, tenants, hasBodies: true });
