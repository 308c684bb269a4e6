//! YAML as Envoy reads it, with the place of each value.

mod lookup;
mod node;
mod read;
mod scalar;

pub(crate) use node::{Content, Member, Node, Scalar, Style};
pub(crate) use read::{Document, documents};
