//! [`Stats`] as a table.

use std::fmt;
use std::time::Duration;

use super::{Stats, WorkerStats};

/// A time in the unit that suits it, as the standard library writes it, with a digit after the point.
fn time(time: Duration) -> String {
    format!("{time:.1?}")
}

impl Stats {
    fn line(&self, worker: &WorkerStats) -> [String; 11] {
        let WorkerStats { items, errors, retries, restarts, .. } = worker;
        let times = [
            worker.building,
            worker.working,
            worker.pulling,
            worker.awaiting_input,
            worker.awaiting_room,
            worker.awaiting_retry,
        ];
        let [building, working, pulling, input, room, retry] = times.map(time);
        let busy =
            worker.working.as_secs_f64() / worker.total().as_secs_f64().max(f64::MIN_POSITIVE);
        let busy = format!("{:.0} %", 100.0 * busy);
        [
            items.to_string(),
            errors.to_string(),
            retries.to_string(),
            restarts.to_string(),
            building,
            working,
            busy,
            pulling,
            input,
            room,
            retry,
        ]
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEAD: [&str; 12] = [
            "worker", "items", "errors", "retries", "restarts", "building", "working", "busy",
            "pulling", "no input", "no room", "delayed",
        ];
        let lines: Vec<_> = self.workers.iter().map(|worker| self.line(worker)).collect();
        let width = |column: usize| {
            let cells = lines.iter().map(|line| line[column - 1].chars().count());
            cells.max().unwrap_or(0).max(HEAD[column].len())
        };
        write!(f, "{}", HEAD[0])?;
        for (column, head) in HEAD.iter().enumerate().skip(1) {
            write!(f, "  {head:>width$}", width = width(column))?;
        }
        for (number, line) in lines.iter().enumerate() {
            write!(f, "\n{number:>width$}", width = HEAD[0].len())?;
            for (column, cell) in (1..).zip(line) {
                write!(f, "  {cell:>width$}", width = width(column))?;
            }
        }
        write!(
            f,
            "\n{} items in {}, {:.0} a second; the consumer waited for {}; at most {} in flight, of {}\n{}",
            self.yielded,
            time(self.elapsed),
            self.rate(),
            time(self.consumer_waited),
            self.most_in_flight,
            self.window,
            self.advice()
        )
    }
}
