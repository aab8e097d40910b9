//! Workers in processes.

mod basics;

mtask::test_entry!();
