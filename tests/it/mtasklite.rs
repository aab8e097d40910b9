//! mtasklite
