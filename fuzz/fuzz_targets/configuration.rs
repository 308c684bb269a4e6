#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tenantgate_fuzz::run("configuration", bytes));
