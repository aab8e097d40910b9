//! failed_build
