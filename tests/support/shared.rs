//! The shared data of a host, as Envoy keeps them: a version that changes with each write, and no version writes over whatever is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tenantgate::shared::{NotWritten, SharedData, Version};

/// A store that several VMs can have in common.
#[derive(Clone, Default)]
pub struct SharedStore(Arc<Mutex<Values>>);

#[derive(Default)]
struct Values {
    by_key: HashMap<String, (Vec<u8>, u32)>,
    last: u32,
}

impl SharedData for SharedStore {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Version)> {
        self.0.lock().unwrap().by_key.get(key).map(|(value, version)| (value.clone(), Version(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), NotWritten> {
        let mut values = self.0.lock().unwrap();
        if let (Some((_, held)), Some(Version(expected))) = (values.by_key.get(key), version)
            && *held != expected
        {
            return Err(NotWritten);
        }
        values.last += 1;
        let version = values.last;
        values.by_key.insert(key.to_owned(), (value.to_vec(), version));
        Ok(())
    }
}
