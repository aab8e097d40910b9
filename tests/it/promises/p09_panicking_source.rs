//! panicking_source
