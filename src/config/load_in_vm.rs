//! The load of a configuration in one VM of a process, in which others load the same one.

use super::deferred::{load_checked, load_outlined};
use super::error::ConfigErrors;
use super::load::{Loaded, load};
use super::load_context::LoadContext;
use crate::env::{Env, Environment};
use crate::jose::HostAlgorithms;
use crate::runtime::LoadInput;

/// Loads the configuration. A VM that finds the note that another VM has checked the same reads
/// only the rest beside the tenants. Any other VM checks everything and writes the note. In both
/// cases each tenant is compiled when it is needed, unless the tenants are not apart from the rest.
///
/// # Errors
/// The same as for [`load`].
pub fn load_in_vm(
    input: &LoadInput,
    environment: &'static (dyn Environment + Sync),
    host: HostAlgorithms,
    env: &mut Env<'_>,
) -> Result<Loaded, ConfigErrors> {
    let bytes = input.configuration();
    let checked = input.find_note(env.shared()).and_then(|note| load_checked(bytes, environment, host, &note));
    if let Some(runtime) = checked {
        return Ok(Loaded { runtime, problems: Vec::new(), places: None });
    }
    let mut loaded = load(bytes, LoadContext { environment, host })?;
    let outline = loaded.places.take().and_then(|places| loaded.runtime.outline(places));
    let outline = outline.map(|outline| input.write_note(outline, loaded.runtime.ring(), env));
    // The checked tenants would take more memory, and the sync of their sign-outs time.
    if let Some(runtime) = outline.and_then(|outline| load_outlined(bytes, environment, host, outline)) {
        loaded.runtime = runtime;
    }
    Ok(loaded)
}
