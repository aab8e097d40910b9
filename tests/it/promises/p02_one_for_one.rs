//! one_for_one
