//! Messages about documents: not more of them than somebody reads.

use std::collections::HashMap;

use indicatif::HumanCount;

/// The most messages about one file.
const A_FILE: u64 = 10;
/// The most messages of a run.
const A_RUN: u64 = 1_000;
/// The most files whose further errors are summed up one by one.
const FILES: usize = 20;

/// Decides which messages are shown, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Messages {
    shown: u64,
    /// By the file's position in the list; `None` for what is of no file.
    files: HashMap<Option<usize>, OfFile>,
    /// Where they are shown at the end.
    deferred: Option<Vec<String>>,
}

#[derive(Debug)]
struct OfFile {
    name: String,
    shown: u64,
    more: u64,
}

impl Messages {
    /// For messages that are shown at the end: the first of all, and not of each file.
    pub(super) fn deferred() -> Self {
        Self { deferred: Some(Vec::new()), ..Self::default() }
    }

    /// Takes a message; gives it back where it is to be shown now.
    pub(super) fn take(&mut self, file: Option<(usize, &str)>, message: String) -> Option<String> {
        let of_file = self.files.entry(file.map(|(index, _)| index)).or_insert_with(|| {
            let name = file.map_or("elsewhere", |(_, name)| name).to_owned();
            OfFile { name, shown: 0, more: 0 }
        });
        let is_too_many = self.deferred.is_none() && of_file.shown >= A_FILE;
        if is_too_many || self.shown >= A_RUN {
            of_file.more += 1;
            return None;
        }
        self.shown += 1;
        of_file.shown += 1;
        match &mut self.deferred {
            Some(deferred) => {
                deferred.push(message);
                None
            }
            None => Some(message),
        }
    }

    /// What is yet to be shown at the end of the run.
    pub(super) fn rest(&mut self) -> Vec<String> {
        let mut lines = self.deferred.take().unwrap_or_default();
        let mut files: Vec<_> = self.files.drain().filter(|(_, of)| of.more > 0).collect();
        files.sort_unstable_by_key(|(index, of)| (u64::MAX - of.more, *index));
        let single = files.len().min(FILES);
        for (_, OfFile { name, more, .. }) in &files[..single] {
            lines.push(format!("{name}: and {} more errors", HumanCount(*more)));
        }
        if files.len() > single {
            let more = files[single..].iter().map(|(_, of)| of.more).sum();
            lines.push(format!(
                "{} more files: and {} more errors",
                HumanCount((files.len() - single) as u64),
                HumanCount(more)
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_full_of_errors_leaves_room_for_the_others() {
        let mut messages = Messages::default();
        let mut shown = Vec::new();
        for n in 0..77_000 {
            shown.extend(messages.take(Some((0, "noise")), format!("noise:{n}")));
        }
        shown.extend(messages.take(Some((1, "a.txt")), "a.txt:1".to_owned()));
        shown.extend(messages.take(None, "no file".to_owned()));
        assert_eq!(shown.len(), 12);
        assert_eq!(shown[9..], ["noise:9", "a.txt:1", "no file"]);
        assert_eq!(messages.rest(), ["noise: and 76,990 more errors"]);
        assert_eq!(messages.rest(), [""; 0]);
    }

    #[test]
    fn many_files_full_of_errors_are_summed_up_together() {
        let mut messages = Messages::default();
        let mut shown = 0;
        for file in 0..200 {
            for _ in 0..10 + file {
                shown +=
                    messages.take(Some((file, &format!("f{file}"))), String::new()).iter().count();
            }
        }
        assert_eq!(shown, 1_000);
        let rest = messages.rest();
        assert_eq!(rest.len(), 21);
        assert_eq!(rest[0], "f199: and 209 more errors");
        // 100 files of 10 to 109, of which 10 each were shown, and 80 without a word each.
        let more: usize = (1..100).sum::<usize>() + (100..180).map(|file| 10 + file).sum::<usize>();
        assert_eq!(
            rest[20],
            format!("179 more files: and {} more errors", HumanCount(more as u64))
        );
    }

    #[test]
    fn deferred_ones_are_the_first_of_all() {
        let mut messages = Messages::deferred();
        for n in 0..1_200 {
            assert_eq!(messages.take(Some((0, "a")), n.to_string()), None);
        }
        let rest = messages.rest();
        assert_eq!(rest.len(), 1_001);
        assert_eq!(rest[999..], ["999", "a: and 200 more errors"]);
    }
}
