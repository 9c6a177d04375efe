#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| widebeam_fuzz::npy(data));
