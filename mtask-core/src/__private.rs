//! What the expansion of `#[delayed_init]` names: no part of the interface.
