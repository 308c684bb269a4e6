//! Shared data as in Envoy: each write changes the version, and a write without a version
//! overwrites.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tenantgate::env::shared::{SharedData, SharedWriteError, Version};

/// A store that several VMs can share.
#[derive(Clone, Default)]
pub struct SharedStore(Arc<Mutex<Values>>);

impl SharedStore {
    /// The keys that begin with `prefix`.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.0.lock().unwrap().by_key.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    /// Deletes the keys that begin with `prefix`, and returns them.
    pub fn clear(&self, prefix: &str) -> Vec<String> {
        let keys = self.keys(prefix);
        let mut values = self.0.lock().unwrap();
        keys.iter().for_each(|key| drop(values.by_key.remove(key)));
        keys
    }

    /// Overwrites these keys with a useless value.
    pub fn overwrite(&self, keys: &[String]) {
        keys.iter().for_each(|key| self.set(key, b"-", None).unwrap());
    }

    /// Refuses all writes from now on.
    pub fn refuse(&self) {
        let mut values = self.0.lock().unwrap();
        values.by_key.clear();
        values.refuses = true;
    }
}

#[derive(Default)]
struct Values {
    refuses: bool,
    by_key: HashMap<String, (Vec<u8>, u32)>,
    last: u32,
}

impl SharedData for SharedStore {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Version)> {
        self.0.lock().unwrap().by_key.get(key).map(|(value, version)| (value.clone(), Version(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError> {
        let mut values = self.0.lock().unwrap();
        if values.refuses {
            return Err(SharedWriteError);
        }
        if let (Some((_, held)), Some(Version(expected))) = (values.by_key.get(key), version)
            && *held != expected
        {
            return Err(SharedWriteError);
        }
        values.last += 1;
        let version = values.last;
        values.by_key.insert(key.to_owned(), (value.to_vec(), version));
        Ok(())
    }
}
