//! What `#[delayed_init]` accepts, and what it says when it does not.
//!
//! The messages are those of the toolchain in `rust-toolchain.toml`.

#[test]
fn pass() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}

#[cfg(not(feature = "processes"))]
#[test]
fn without_processes() {
    trybuild::TestCases::new().compile_fail("tests/ui/without_processes/*.rs");
}
