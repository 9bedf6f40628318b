//! Any bytes as a model file: refused, or answers with finite numbers.

#![no_main]

use codape_testkit::mutate::file_from;
use libfuzzer_sys::fuzz_target;

#[path = "../body.rs"]
mod body;

fuzz_target!(|bytes: &[u8]| {
    body::check(file_from(bytes));
});
