#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tiermark_load::fuzzing::connection(data));
