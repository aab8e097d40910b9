//! Workers in processes.

mod basics;
mod faults;
mod forms;
mod worker;

mtask::test_entry!();
