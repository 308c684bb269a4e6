//! The foreign functions `verify_signature` and `sign` of Envoy.

use prost::Message;
use proxy_wasm::hostcalls;

use crate::jose::{Hash, HostVerifier};

/// The cryptography of the host, which is BoringSSL in Envoy.
pub(super) struct VmVerifier;

/// `envoy.source.extensions.common.wasm.VerifySignatureResult`, without its error text.
#[derive(Message)]
struct VerifySignatureResult {
    #[prost(bool, tag = "1")]
    result: bool,
}

/// `envoy.source.extensions.common.wasm.SignResult`, without its error text.
#[derive(Message)]
struct SignResult {
    #[prost(bool, tag = "1")]
    result: bool,
    #[prost(bytes = "vec", tag = "2")]
    signature: Vec<u8>,
}

impl HostVerifier for VmVerifier {
    fn verify_signature(&self, hash: Hash, public_key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
        // `envoy.source.extensions.common.wasm.VerifySignatureArguments`
        let arguments = message_of([hash.name().as_bytes(), public_key, signature, message])?;
        let answer = hostcalls::call_foreign_function("verify_signature", Some(&arguments)).ok()?;
        // In a message whose only field is false, Envoy may omit the field; the message is then
        // empty.
        VerifySignatureResult::decode(answer.unwrap_or_default().as_slice()).ok().map(|answer| answer.result)
    }

    fn sign(&self, hash: Hash, private_key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        // `envoy.source.extensions.common.wasm.SignArguments`, with the key in DER.
        let arguments = message_of([hash.name().as_bytes(), private_key, message])?;
        let answer = hostcalls::call_foreign_function("sign", Some(&arguments)).ok()??;
        SignResult::decode(answer.as_slice()).ok().filter(|signed| signed.result).map(|signed| signed.signature)
    }
}

/// A protobuf message with these byte fields, numbered from 1. The derived encoder would copy each
/// field first.
fn message_of<const N: usize>(fields: [&[u8]; N]) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(fields.iter().map(|field| field.len()).fold(OVERHEAD, usize::saturating_add));
    for (number, field) in (1_u8..).zip(fields) {
        message.push(number << 3 | LENGTH_DELIMITED);
        prost::encode_length_delimiter(field.len(), &mut message).ok()?;
        message.extend_from_slice(field);
    }
    Some(message)
}

const LENGTH_DELIMITED: u8 = 2;
/// An upper bound for the tags and lengths of a message, in bytes.
const OVERHEAD: usize = 32;
