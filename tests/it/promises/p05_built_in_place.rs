//! built_in_place
