//! A spec as it is sent to a child: encoded once, however many children there will be.

use super::child::Hello;
use super::codec;
use super::frame::{VERSION, over_limit};
use super::remote::{ReadSummary, RemoteSpec};
use super::settings::Settings;
use crate::Worker;
use crate::sync::Arc;

/// What is sent of a worker's spec.
#[derive(Clone)]
pub(super) struct SentSpec {
    /// The name of the worker.
    worker: &'static str,
    /// The spec, or why it cannot be sent.
    bytes: Result<Arc<Vec<u8>>, String>,
    /// How what the worker leaves is read.
    pub(super) summary: Option<ReadSummary>,
}

impl SentSpec {
    /// That of `spec`, which has its bytes in common with `like` where these are the same.
    pub(super) fn of<W: Worker>(spec: &impl RemoteSpec<W>, like: Option<&Self>) -> Self {
        let encoded =
            spec.to_bytes().map_err(|error| format!("its spec cannot be encoded: {error}"));
        let bytes = encoded.map(|bytes| match like.map(|like| &like.bytes) {
            Some(Ok(same)) if **same == bytes => Arc::clone(same),
            _ => Arc::new(bytes),
        });
        Self { worker: spec.worker_name(), bytes, summary: spec.summary() }
    }

    /// What a child is told at first, and the spec that it is told next.
    ///
    /// # Errors
    ///
    /// Why that cannot be told.
    pub(super) fn hello(
        &self,
        number: usize,
        finishes: bool,
        settings: &Settings,
    ) -> Result<(Vec<u8>, &[u8]), String> {
        let spec = self.bytes.as_ref().map_err(Clone::clone)?;
        if spec.len() > settings.max_frame {
            return Err(over_limit("spec", spec.len(), settings.max_frame));
        }
        let hello = Hello {
            version: VERSION,
            worker: self.worker.to_owned(),
            number,
            finishes,
            max: settings.max_frame,
            memory_limit: settings.memory_limit,
            nice: settings.nice,
        };
        Ok((codec::to_bytes(&hello)?, spec))
    }
}
