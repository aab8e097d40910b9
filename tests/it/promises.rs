//! One module for each promise of the library, by its number.

mod p01_lazy;
mod p02_one_for_one;
mod p03_bounded;
mod p04_length;
mod p05_built_in_place;
mod p06_failed_build;
mod p07_panic;
mod p08_abort;
mod p08_drop;
mod p08_limits;
mod p09_panicking_source;
mod p10_prompt;
mod p11_quiet;
mod p12_nested;
mod p13_empty;
mod p14_moving_consumer;
mod p16_truthful;
