//! One plugin configuration in one VM.

use std::sync::Arc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType};

use super::counters::Counters;
use super::host::{VmEnvironment, log};
use super::stream::Stream;
use crate::config;
use crate::filter::Filter;
use crate::gate::Gate;
use crate::reply::Level;

pub(super) struct Root {
    gate: Arc<Gate>,
    counters: Counters,
}

/// Closed until a configuration is loaded.
impl Default for Root {
    fn default() -> Self {
        Self { gate: Arc::new(Gate::closed()), counters: Counters::default() }
    }
}

impl Context for Root {}

impl RootContext for Root {
    /// Streams that are under way keep the gate that they began with. A configuration that is refused changes nothing.
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten();
        match config::load(&bytes.unwrap_or_default(), &VmEnvironment) {
            Ok(loaded) => {
                for problem in &loaded.problems {
                    self.counters.count("tenant_refused");
                    log(Level::Error, &format!("configuration: {problem}"));
                }
                self.gate = Arc::new(loaded.gate);
                true
            }
            Err(errors) => {
                for error in &errors {
                    log(Level::Error, &format!("configuration refused: {error}"));
                }
                false
            }
        }
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Filter::new(self.gate.clone()), self.counters.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
