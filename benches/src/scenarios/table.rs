//! The table of scenarios and their cases.

use crate::peers::Card;

/// Which peers a scenario is for.
#[derive(PartialEq, Eq)]
pub(crate) enum Peers {
    All,
    /// Those that give results while the source is pulled: others could not end.
    Lazy,
    /// Those whose workers have state.
    Stateful,
    /// mtask by each front, and what it is compared with.
    Fronts,
}

/// A question, and how its answer is shown.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// One sentence for the tables.
    pub(crate) about: &'static str,
    pub(crate) peers: Peers,
    /// What is measured is time an item: items are cut for slow peers, and ratios are shown.
    pub(crate) throughput: bool,
    /// The source is a range of numbers.
    pub(crate) range: bool,
    /// More rounds than these tell nothing more.
    pub(crate) most_rounds: usize,
    /// After so many seconds, a run counts as one that never returns.
    pub(crate) seconds: u64,
    /// With so many GiB of memory, a run counts as one that never returns.
    pub(crate) gib: f64,
    pub(crate) columns: &'static [Column],
}

/// A column of a table: the title, the figure, and its digits after the point.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) &'static str, pub(crate) usize);

/// A scenario with its numbers.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) scenario: &'static str,
    pub(crate) workers: usize,
    pub(crate) items: u64,
    /// Under `--quick`.
    pub(crate) quick_items: u64,
    /// The mean time of an item, where the work is made to take one.
    pub(crate) item_us: f64,
}

impl Case {
    pub(crate) fn scenario(&self) -> &'static Scenario {
        SCENARIOS
            .iter()
            .find(|scenario| scenario.name == self.scenario)
            .expect("the table of cases names scenarios that are in the table of scenarios")
    }

    /// Why this peer is not measured here, if so.
    pub(crate) fn without(&self, card: &Card, stateful: &[&str]) -> Option<&'static str> {
        let scenario = self.scenario();
        if card.range_only && !scenario.range {
            return Some("takes a range, and no iterator");
        }
        match scenario.peers {
            Peers::Stateful if !stateful.contains(&card.name) => Some("its workers have no state"),
            Peers::Lazy if !card.lazy => Some("collects everything first"),
            Peers::Fronts if !card.front && !COMPARED.contains(&card.name) => Some("is not mtask"),
            Peers::All | Peers::Lazy if card.front => Some("is measured in `fronts`"),
            _ => None,
        }
    }
}

/// With whom the fronts are compared.
const COMPARED: &[&str] = &["sequential", "mtask", "rayon-vec"];

const TIMES: &[Column] = &[
    Column("ns an item", "ns", 1),
    Column("× sequential", "speedup", 2),
    Column("time ÷ `rayon-vec`", "of_rayon", 2),
    Column("% of ideal", "share", 1),
    Column("items", "items", 0),
];

const THROUGHPUT: Scenario = Scenario {
    name: "",
    about: "",
    peers: Peers::All,
    throughput: true,
    range: true,
    most_rounds: usize::MAX,
    seconds: 30,
    gib: 8.0,
    columns: TIMES,
};

const BEHAVIOUR: Scenario = Scenario {
    throughput: false,
    range: false,
    most_rounds: 3,
    seconds: 5,
    gib: 4.0,
    columns: &[],
    ..THROUGHPUT
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tiny",
        about: "x·x over numbers: nothing but the cost of handing an item over and back.",
        ..THROUGHPUT
    },
    Scenario {
        name: "fronts",
        about: "The same by each front, and with one worker and 64.",
        peers: Peers::Fronts,
        ..THROUGHPUT
    },
    Scenario {
        name: "alone",
        about: "Items of 1 µs of computing, with one worker.",
        peers: Peers::Fronts,
        ..THROUGHPUT
    },
    Scenario { name: "micro", about: "Items of 1 µs of computing.", ..THROUGHPUT },
    Scenario { name: "twenty", about: "Items of 20 µs of computing.", ..THROUGHPUT },
    Scenario {
        name: "skewed",
        about: "Every 64th item takes 50 times as long as the others (566 µs against 11.3 µs), \
                20 µs in the mean.",
        ..THROUGHPUT
    },
    Scenario {
        name: "lines",
        about: "Lines of about 100 bytes, split at blanks, each word hashed to an id; the source \
                makes a `String` of each line, the consumer sums the ids.",
        range: false,
        ..THROUGHPUT
    },
    Scenario { name: "sleeping", about: "Items that sleep for 1 ms.", ..THROUGHPUT },
    Scenario {
        name: "stalled_first",
        about: "The first item takes a second, the others nothing; each holds 1 KiB. What piles up \
                behind it?",
        seconds: 60,
        gib: 12.0,
        columns: &[
            Column("memory it took, MiB", "mib", 1),
            Column("most items in flight", "in_flight", 0),
            Column("seconds in all", "seconds", 2),
        ],
        ..BEHAVIOUR
    },
    Scenario {
        name: "builds",
        about: "16 workers whose building takes 50 ms, by the peers whose workers have state.",
        seconds: 60,
        peers: Peers::Stateful,
        columns: &[Column("workers built", "builds", 0), Column("seconds in all", "seconds", 3)],
        ..BEHAVIOUR
    },
    Scenario {
        name: "early_drop",
        about: "A source without an end, of which 100 results are taken.",
        columns: &[
            Column("µs to end it", "drop_us", 0),
            Column("threads left 50 ms later", "threads_left", 0),
        ],
        ..BEHAVIOUR
    },
    Scenario {
        name: "drop_in_hand",
        about: "Dropped while two workers have an item of 5 ms in hand: how long after the last of \
                these items ended did the drop return? Only the \
                peers that give results while the source is pulled.",
        peers: Peers::Lazy,
        columns: &[
            Column("µs after the last item, median of 20", "late_us", 0),
            Column("most", "late_most_us", 0),
            Column("threads left at once", "threads_left", 0),
        ],
        ..BEHAVIOUR
    },
    Scenario {
        name: "panic",
        about: "Item 1,000 of 10,000 panics. What becomes of the run?",
        columns: &[Column("results", "results", 0)],
        ..BEHAVIOUR
    },
    Scenario {
        name: "blocked_source",
        about: "The source gives 100 items at once, and then blocks for a second.",
        columns: &[Column("ms until the 100th result", "ms", 2)],
        ..BEHAVIOUR
    },
    Scenario {
        name: "idle",
        about: "Processor time while the source, or the consumer, sleeps.",
        columns: &[Column("% of a core", "cpu", 3)],
        ..BEHAVIOUR
    },
    Scenario {
        name: "small_run",
        range: true,
        about: "Starting, running and ending a run of 10 tiny items.",
        most_rounds: usize::MAX,
        seconds: 20,
        columns: &[Column("µs a run", "us", 1), Column("runs", "runs", 0)],
        ..BEHAVIOUR
    },
];

const fn case(
    name: &'static str,
    scenario: &'static str,
    workers: usize,
    items: u64,
    quick_items: u64,
    item_us: f64,
) -> Case {
    Case { name, scenario, workers, items, quick_items, item_us }
}

pub(crate) const CASES: &[Case] = &[
    case("tiny", "tiny", 2, 10_000_000, 500_000, 0.0),
    case("fronts-2", "fronts", 2, 4_000_000, 200_000, 0.0),
    case("fronts-1", "fronts", 1, 4_000_000, 200_000, 0.0),
    case("fronts-64", "fronts", 64, 4_000_000, 200_000, 0.0),
    case("alone", "alone", 1, 300_000, 20_000, 1.0),
    case("micro", "micro", 2, 1_000_000, 40_000, 1.0),
    case("twenty", "twenty", 2, 30_000, 4_000, 20.0),
    case("skewed", "skewed", 2, 30_016, 4_096, 20.0),
    case("lines", "lines", 2, 2_000_000, 100_000, 0.0),
    case("sleeping-2", "sleeping", 2, 2_000, 200, 1_000.0),
    case("sleeping-4", "sleeping", 4, 4_000, 400, 1_000.0),
    case("sleeping-16", "sleeping", 16, 8_000, 1_600, 1_000.0),
    case("stalled_first", "stalled_first", 2, 5_000_000, 200_000, 0.0),
    case("builds", "builds", 16, 100_000, 100_000, 0.0),
    case("early_drop", "early_drop", 2, 100, 100, 0.0),
    case("drop_in_hand", "drop_in_hand", 2, 1, 1, 0.0),
    case("panic", "panic", 2, 10_000, 10_000, 0.0),
    case("blocked_source-2", "blocked_source", 2, 100, 100, 0.0),
    case("blocked_source-1", "blocked_source", 1, 100, 100, 0.0),
    case("idle-source", "idle", 2, 2_000, 500, 0.0),
    case("idle-consumer", "idle", 2, 2_000, 500, 0.0),
    case("small_run", "small_run", 2, 500, 50, 0.0),
];
