#![no_main]

use deputy_fuzz_targets::Target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| Target::named("handshake").run(data));
