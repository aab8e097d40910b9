//! What cannot run in a process, and what the compiler says of it.
//!
//! The messages are those of the toolchain in `rust-toolchain.toml`.

#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("tests/ui/processes/*.rs");
}
