//! What a run's output depends on: a run can be continued by another of the same job.

use std::sync::Arc;

use flate2::Crc;
use serde::Serialize;
use serde_json::Value;

use crate::files::InputFile;
use crate::layout::Layout;
use crate::sink::Limits;

/// All that decides which bytes are written. The number of workers and the rest do not.
#[derive(Debug, Serialize)]
pub(crate) struct Job {
    version: &'static str,
    inputs: Vec<Arc<InputFile>>,
    tokenizer: Fingerprint,
    field: Option<String>,
    format: &'static str,
    limit: Option<usize>,
    max_line_bytes: usize,
    group_tokens: usize,
    group_rows: usize,
    /// Whether an input of the same size is taken for the same, whatever its time.
    #[serde(skip)]
    ignore_times: bool,
}

/// Tells one tokenizer from another; against accidents, not against malice.
#[derive(Debug, Serialize)]
struct Fingerprint {
    bytes: usize,
    crc32: u32,
}

/// The options among what a job is.
pub(crate) struct Settings {
    pub(crate) field: Option<String>,
    pub(crate) layout: Layout,
    pub(crate) limit: Option<usize>,
    pub(crate) max_line_bytes: usize,
    pub(crate) groups: Limits,
    pub(crate) ignore_times: bool,
}

impl Job {
    pub(crate) fn new(inputs: &[Arc<InputFile>], tokenizer: &[u8], settings: &Settings) -> Self {
        let mut crc = Crc::new();
        crc.update(tokenizer);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            inputs: inputs.to_vec(),
            tokenizer: Fingerprint { bytes: tokenizer.len(), crc32: crc.sum() },
            field: settings.field.clone(),
            format: settings.layout.extension(),
            limit: settings.limit,
            max_line_bytes: settings.max_line_bytes,
            group_tokens: settings.groups.tokens.get(),
            group_rows: settings.groups.rows.get(),
            ignore_times: settings.ignore_times,
        }
    }

    /// Why the parts of `theirs`, as it was written, cannot be continued by this job.
    pub(crate) fn difference(&self, mut theirs: Value) -> Option<String> {
        let mut ours = serde_json::to_value(self).unwrap_or_default();
        if self.ignore_times {
            [&mut ours, &mut theirs].into_iter().for_each(forget_times);
        }
        let (Value::Object(ours), Some(theirs)) = (ours, theirs.as_object()) else {
            return Some("what the earlier run worked on is not recorded".to_owned());
        };
        let (name, value) = ours.iter().find(|(name, value)| theirs.get(*name) != Some(value))?;
        let before = theirs.get(name).unwrap_or(&Value::Null);
        Some(match &**name {
            "inputs" => changed_input(value, before),
            "tokenizer" => "the tokenizer is another one than in the earlier run".to_owned(),
            "version" => format!("the earlier run was of version {before}, this is {value}"),
            option => format!(
                "--{} was {before} in the earlier run, and is {value}",
                option.replace('_', "-")
            ),
        })
    }
}

/// Leaves the size as all that tells whether an input has changed.
fn forget_times(job: &mut Value) {
    let inputs = job.get_mut("inputs").and_then(Value::as_array_mut);
    for input in inputs.into_iter().flatten() {
        if let Some(stamp) = input.get_mut("stamp").and_then(Value::as_object_mut) {
            stamp.remove("modified");
        }
    }
}

fn changed_input(ours: &Value, theirs: &Value) -> String {
    let none = Vec::new();
    let [ours, theirs] = [ours, theirs].map(|list| list.as_array().unwrap_or(&none));
    match ours.iter().zip(theirs).find(|(ours, theirs)| ours != theirs) {
        Some((ours, theirs)) if ours["path"] == theirs["path"] => {
            let same_size = ours["stamp"]["size"] == theirs["stamp"]["size"];
            format!(
                "the input {} has changed since the earlier run{}",
                text(&ours["path"]),
                if same_size { ", if only its time: --ignore-times is for that" } else { "" }
            )
        }
        Some((ours, theirs)) => format!(
            "the earlier run read {} where this one reads {}",
            text(&theirs["path"]),
            text(&ours["path"])
        ),
        None => {
            format!("the earlier run had {} input files, this one has {}", theirs.len(), ours.len())
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("another file")
}
