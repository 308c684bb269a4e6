//! The host's `verify_signature` and `sign`, foreign functions of Envoy.

use prost::Message;
use proxy_wasm::hostcalls;

use crate::keys::{Hash, HostVerifier};

/// Envoy's BoringSSL, if the host is Envoy.
pub(super) struct VmVerifier;

/// `envoy.source.extensions.common.wasm.VerifySignatureArguments`.
#[derive(Message)]
struct Arguments {
    #[prost(string, tag = "1")]
    hash_function: String,
    #[prost(bytes = "vec", tag = "2")]
    public_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    signature: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    text: Vec<u8>,
}

/// `envoy.source.extensions.common.wasm.VerifySignatureResult`, without the text of an error.
#[derive(Message)]
struct Answer {
    #[prost(bool, tag = "1")]
    result: bool,
}

/// `envoy.source.extensions.common.wasm.SignArguments`, with the key in DER.
#[derive(Message)]
struct SignArguments {
    #[prost(string, tag = "1")]
    hash_function: String,
    #[prost(bytes = "vec", tag = "2")]
    private_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    text: Vec<u8>,
}

/// `envoy.source.extensions.common.wasm.SignResult`, without the text of an error.
#[derive(Message)]
struct Signed {
    #[prost(bool, tag = "1")]
    result: bool,
    #[prost(bytes = "vec", tag = "2")]
    signature: Vec<u8>,
}

impl HostVerifier for VmVerifier {
    fn verify_signature(&self, hash: Hash, public_key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
        let arguments = Arguments {
            hash_function: hash.name().to_owned(),
            public_key: public_key.to_vec(),
            signature: signature.to_vec(),
            text: message.to_vec(),
        };
        let answer = hostcalls::call_foreign_function("verify_signature", Some(&arguments.encode_to_vec())).ok()?;
        // A message whose only field is false may be empty, and no bytes at all are that message.
        Answer::decode(answer.unwrap_or_default().as_slice()).ok().map(|answer| answer.result)
    }

    fn sign(&self, hash: Hash, private_key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let arguments = SignArguments {
            hash_function: hash.name().to_owned(),
            private_key: private_key.to_vec(),
            text: message.to_vec(),
        };
        let answer = hostcalls::call_foreign_function("sign", Some(&arguments.encode_to_vec())).ok()??;
        Signed::decode(answer.as_slice()).ok().filter(|signed| signed.result).map(|signed| signed.signature)
    }
}
