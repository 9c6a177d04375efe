#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| widebeam_libfuzzer::alone(widebeam_fuzz::transducer::run, data));
