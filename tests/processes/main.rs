//! Workers in processes.

mod basics;
mod faults;
mod worker;

mtask::test_entry!();
