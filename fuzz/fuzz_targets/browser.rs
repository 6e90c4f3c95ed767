#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| duologue::fuzzing::browser(data));
