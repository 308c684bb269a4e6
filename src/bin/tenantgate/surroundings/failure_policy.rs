//! What Envoy does after a crash of the VM.

use super::{Finding, Surrounded, patch_policy};
use crate::codes;
use crate::gate::Form;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let (field, is_open, write) = match gate.gate.form {
        Form::Tenants => return Vec::new(),
        Form::Envoy if gate.plugin.node.flag("fail_open") == Some(true) => {
            ("fail_open", true, "write `failure_policy: FAIL_RELOAD` instead")
        }
        Form::Envoy => (POLICY, is(gate, POLICY), "write `failure_policy: FAIL_RELOAD`"),
        Form::Istio => ("failStrategy", is(gate, "failStrategy"), "write `failStrategy: FAIL_RELOAD`"),
        Form::EnvoyGateway if gate.plugin.node.flag("failOpen") == Some(true) => {
            ("failOpen", true, "write `failOpen: false`")
        }
        Form::EnvoyGateway if patch_policy::sets(gate, POLICY, RELOAD) => return Vec::new(),
        Form::EnvoyGateway => {
            let message = "an EnvoyExtensionPolicy has no FAIL_RELOAD, so after a crash that worker answers 503 until Envoy \
                 restarts";
            let warning = gate.plugin.warning(codes::NO_RELOAD, "", "failOpen", message);
            return vec![warning.without_path().help(patch_policy::manifest(gate))];
        }
    };
    if is_open {
        let message =
            "forwards requests without any check after a crash, with whatever identity headers the client sent";
        return vec![gate.plugin.error(codes::FAIL_OPEN, "", field, message).help(write)];
    }
    let policy = gate.plugin.text_of(&[field]);
    if policy == Some(RELOAD) {
        return Vec::new();
    }
    let message = match policy {
        Some(policy) => format!("is {policy}, so after a crash that worker answers 503 until Envoy restarts"),
        None => "is missing, so after a crash that worker answers 503 until Envoy restarts".to_owned(),
    };
    vec![gate.plugin.warning(codes::NO_RELOAD, "", field, message).help(write)]
}

fn is(gate: &Surrounded<'_>, field: &str) -> bool {
    gate.plugin.text_of(&[field]) == Some("FAIL_OPEN")
}

const POLICY: &str = "failure_policy";
const RELOAD: &str = "FAIL_RELOAD";
