//! moving_consumer
