//! What a caller says about how a run is shown.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::screen::shared_bars;

/// How a run is shown while it goes.
///
/// On a terminal that is a bar on standard error, with the items done, how many there will be
/// where the source knows, the rate, the time spent and left, and the errors where there are any.
/// Where standard error is no terminal, it is a plain line every ten seconds and one at the end,
/// without control codes. An item counts when it is yielded.
///
/// In a notebook of evcxr, or at its prompt, there is a bar too, though standard error is no
/// terminal. evcxr passes it on by the line: VS Code and the prompt draw each over the one before,
/// Jupyter keeps them below each other. So it is drawn twice a second at first and every ten
/// seconds in the end, unless [`interval`](ProgressOptions::interval) says otherwise. A bar or a
/// `MultiProgress` of the caller's makes plain lines there, if it was to be on standard error.
///
/// However the run ends, the bar is left as it should be, and says how: `done` where the source was read to its end
/// and each item yielded, else `cancelled`, `stopped` (an early drop, by a panic or an error among others), `source
/// panicked` or `start failed`. Once it is cancelled, or while a drop waits for what is in progress, it says `ending`.
///
/// What the program prints stays: see [`bars`](ProgressOptions::bars). To print above the bars, wherever
/// standard error goes, there are [`println`](ProgressOptions::println) and [`writer`](ProgressOptions::writer).
///
/// # Examples
///
/// ```
/// use mtask::{ProgressOptions, par_map};
///
/// let options = ProgressOptions::new("adding").unit("numbers").leave(false);
/// let sum: u32 = par_map(0..10, 2, |x: u32| x + 1).progress_with(options).flatten().sum();
/// assert_eq!(sum, 55);
/// ```
///
/// A message alone, or a bar of the caller's own, makes options too:
///
/// ```
/// use mtask::indicatif::ProgressBar;
/// use mtask::par_map;
///
/// let bar = ProgressBar::no_length().with_message("adding");
/// let sum: u32 = par_map(0..10, 2, |x: u32| x + 1).progress_with(bar.clone()).flatten().sum();
/// assert_eq!((sum, bar.position(), bar.length()), (55, 10, Some(10)));
/// ```
///
/// Types of [indicatif](https://docs.rs/indicatif), which is `mtask::indicatif`, stand in few places: a bar by `From`,
/// [`style`](ProgressOptions::style), [`multi`](ProgressOptions::multi) and [`bars`](ProgressOptions::bars); and
/// an [`ItemBar`](crate::ItemBar) is used like one of its bars.
#[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
#[derive(Clone)]
#[must_use = "it is set by `.progress_with(..)`"]
pub struct ProgressOptions {
    pub(super) bar: Option<ProgressBar>,
    pub(super) message: Option<Cow<'static, str>>,
    pub(super) unit: Cow<'static, str>,
    pub(super) hidden: bool,
    pub(super) leave: Option<bool>,
    pub(super) position: Option<usize>,
    pub(super) initial: u64,
    pub(super) length: Option<u64>,
    pub(super) style: Option<ProgressStyle>,
    pub(super) multi: Option<MultiProgress>,
    pub(super) interval: Option<Duration>,
    pub(super) workers: bool,
}

impl ProgressOptions {
    /// Shows the run with a message before its bar, or with none where that is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let options = ProgressOptions::new("reading");
    /// assert_eq!(par_map(0..10, 2, |x: u32| x).progress_with(options).count(), 10);
    /// ```
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: Some(message.into()), ..Self::plain() }
    }

    fn plain() -> Self {
        Self {
            bar: None,
            message: None,
            unit: Cow::Borrowed("items"),
            hidden: false,
            leave: None,
            position: None,
            initial: 0,
            length: None,
            style: None,
            multi: None,
            interval: None,
            workers: false,
        }
    }

    /// Sets the message before the bar.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::indicatif::ProgressBar;
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let bar = ProgressBar::hidden().with_message("old");
    /// let options = ProgressOptions::from(bar.clone()).message("new").hidden(true);
    /// par_map(0..10, 2, |x: u32| x).progress_with(options).for_each(drop);
    /// assert_eq!(bar.message(), "new");
    /// ```
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Says what an item is: `items`, unless it is set. Empty leaves the word out.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::ProgressOptions;
    ///
    /// let options = ProgressOptions::new("tokenizing").unit("lines");
    /// # let _ = options;
    /// ```
    pub fn unit(mut self, unit: impl Into<Cow<'static, str>>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Shows nothing at all, neither a bar nor lines, where `hidden` is true.
    ///
    /// A bar of the caller's is hidden then, and still counts for a caller that reads its position.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::ProgressOptions;
    ///
    /// let quiet = std::env::args().any(|argument| argument == "--quiet");
    /// let options = ProgressOptions::new("reading").hidden(quiet);
    /// # let _ = options;
    /// ```
    pub fn hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    /// Says how many items this run will have, for a source that does not know: the bar has a
    /// percentage and a time left then.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let text = "one\ntwo\nthree";
    /// let options = ProgressOptions::new("reading").unit("lines").length(3);
    /// let lengths = par_map(text.lines(), 2, |line: &str| line.len()).progress_with(options);
    /// assert_eq!(lengths.flatten().sum::<usize>(), 11);
    /// ```
    pub fn length(mut self, items: u64) -> Self {
        self.length = Some(items);
        self
    }

    /// Says whether the bar stays on the screen after the run: it does, unless it is set.
    ///
    /// A bar of the caller's ends as its own [`with_finish`](ProgressBar::with_finish) says,
    /// unless it is set here; left early, it stays where it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::ProgressOptions;
    ///
    /// let options = ProgressOptions::new("warming up").leave(false);
    /// # let _ = options;
    /// ```
    pub fn leave(mut self, leave: bool) -> Self {
        self.leave = Some(leave);
        self
    }

    /// Puts the bar below this many of the bars that are there: 0 is the top. Without it, a bar
    /// goes below all.
    ///
    /// These bars are those of [`multi`](ProgressOptions::multi) where that is given, and those of
    /// [`bars`](ProgressOptions::bars) otherwise. A bar of the caller's is moved there.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::ProgressOptions;
    ///
    /// let options = ProgressOptions::new("in all").position(0);
    /// # let _ = options;
    /// ```
    pub fn position(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }

    /// Says how many items were done before this run.
    ///
    /// They count as done, and in the length, but not in the rate.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::indicatif::ProgressBar;
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let bar = ProgressBar::hidden();
    /// let options = ProgressOptions::from(bar.clone()).initial(90).hidden(true);
    /// par_map(90..100, 2, |x: u32| x).progress_with(options).for_each(drop);
    /// assert_eq!((bar.position(), bar.length()), (100, Some(100)));
    /// ```
    pub fn initial(mut self, items: u64) -> Self {
        self.initial = items;
        self
    }

    /// Draws the bar in this style.
    ///
    /// Besides indicatif's own keys its template, like that of a bar of the caller's, may name
    ///
    /// | Key | For example |
    /// |---|---|
    /// | `{progress}` | `1,200/5,000 lines (24%), 310/s, 4s, 12s left`: all that is known, after `ending` or how it ended |
    /// | `{items}` | `1,200/5,000 lines (24%)` |
    /// | `{rate}` | `310/s` |
    /// | `{left}` | `12s left` |
    /// | `{errors}` | `, 3 errors`; nothing while there are none |
    ///
    /// Their rate and time left are smoothed, and take [`initial`](ProgressOptions::initial) into
    /// account.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::indicatif::ProgressStyle;
    /// use mtask::ProgressOptions;
    ///
    /// let style = ProgressStyle::with_template("{msg} {bar:40} {items}{errors:.red}")?;
    /// let options = ProgressOptions::new("reading").style(style);
    /// # let _ = options;
    /// # Ok::<(), indicatif::style::TemplateError>(())
    /// ```
    pub fn style(mut self, style: ProgressStyle) -> Self {
        self.style = Some(style);
        self
    }

    /// Draws the bar among others of the caller's.
    ///
    /// Once the run has ended, its line belongs to nobody: it stays, until something is printed
    /// above the bars. Where it has to outlive that, keep a clone of a bar of your own.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::indicatif::MultiProgress;
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let bars = MultiProgress::new();
    /// for file in ["a", "b"] {
    ///     let options = ProgressOptions::new(file).multi(&bars);
    ///     par_map(0..10, 2, |x: u32| x).progress_with(options).for_each(drop);
    /// }
    /// ```
    pub fn multi(mut self, bars: &MultiProgress) -> Self {
        self.multi = Some(bars.clone());
        self
    }

    /// Says how often the bar is drawn, or the plain line is written: every 100 ms and every ten
    /// seconds, unless it is set. In a notebook it is twice a second at the most.
    ///
    /// Less than a millisecond is taken as one. indicatif draws on a terminal twenty times a
    /// second at the most.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mtask::ProgressOptions;
    ///
    /// let options = ProgressOptions::new("reading").interval(Duration::from_secs(1));
    /// # let _ = options;
    /// ```
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Shows a line for each worker below the bar, while the run goes: not, unless it is set.
    ///
    /// ```text
    /// tokenize ━━━╸──────────── 1,200/5,000 items (24%), 300/s, 14s, 47s left, 3 errors
    /// ! worker 2  working for 12.4s  · 291 items · 3 errors
    ///   worker 0  working for 0.1s   · 452 items
    ///   worker 1  waiting for 0.3s   · 457 items
    /// ```
    ///
    /// What a worker does is told as in [`WorkerState`](crate::WorkerState), and for how long. One that has
    /// been at an item or a build for ten seconds or more stands out, above the others. Of more than 16
    /// workers the slowest have a line. It costs nothing an item: the lines tell what
    /// [`stats`](crate::ParStateful::stats) does, where items that are cheap are counted some at a time.
    ///
    /// Where standard error is no terminal, there is a plain line for each item or build that has taken
    /// longer than the [`interval`](ProgressOptions::interval) of the log, once: `worker 2: working for 12.4s`.
    ///
    /// A bar of the caller's has lines below it where it is known among which others it stands: with
    /// [`multi`](ProgressOptions::multi) or [`position`](ProgressOptions::position), for which the lines
    /// of a run count as one bar.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let options = ProgressOptions::new("adding").workers(true);
    /// let sum: u32 = par_map(0..10, 2, |x: u32| x + 1).progress_with(options).flatten().sum();
    /// assert_eq!(sum, 55);
    /// ```
    pub fn workers(mut self, workers: bool) -> Self {
        self.workers = workers;
        self
    }

    /// The bars of this process that have no place of their own, which are drawn together.
    ///
    /// What is printed to a terminal by other means than [`println`](ProgressOptions::println) and
    /// [`writer`](ProgressOptions::writer) stays as well, be it by `println!`, by another library or by a panic
    /// hook: while a run is shown, the cursor rests above these bars, with five rows for what is printed between
    /// two drawings. Behind lines of a burst of more there may be the rest of a bar, unless it is printed inside
    /// [`suspend`](MultiProgress::suspend) on these. A run that is shown must not be pulled in there: it waits for
    /// its bar, which is suspended. A program that exits, or is killed, before its runs have ended leaves their
    /// bars on the terminal, below what comes next. In a notebook, what is written outside may be drawn over.
    ///
    /// None of that holds for bars of the caller's that are drawn elsewhere, by a
    /// [`multi`](ProgressOptions::multi) or alone: indicatif takes what is printed past several of them for a part
    /// of them, and clears it.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// for result in par_map(0..10, 2, |x: u32| x).progress("reading") {
    ///     if result? == 5 {
    ///         ProgressOptions::bars().suspend(|| {
    ///             for line in 0..50 {
    ///                 eprintln!("five is here, line {line}");
    ///             }
    ///         });
    ///     }
    /// }
    /// # Ok::<(), mtask::TaskError>(())
    /// ```
    pub fn bars() -> MultiProgress {
        shared_bars()
    }
}

impl Default for ProgressOptions {
    /// A bar without a message.
    fn default() -> Self {
        Self::plain()
    }
}

/// Shows the run on a bar of the caller's, whose style, message, length and place are kept.
///
/// Its items are added to the bar's position, and its length is set where it has none. At the end
/// a bar whose length is not reached is left going: it counts more than this run.
///
/// Where indicatif hides the bar because standard error is no terminal, there are plain lines.
/// A bar that was hidden on a terminal stays hidden.
impl From<ProgressBar> for ProgressOptions {
    fn from(bar: ProgressBar) -> Self {
        Self { bar: Some(bar), ..Self::plain() }
    }
}

impl From<&'static str> for ProgressOptions {
    fn from(message: &'static str) -> Self {
        Self::new(message)
    }
}

impl From<String> for ProgressOptions {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl fmt::Debug for ProgressOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressOptions")
            .field("bar", &self.bar)
            .field("message", &self.message)
            .field("unit", &self.unit)
            .field("hidden", &self.hidden)
            .field("leave", &self.leave)
            .field("position", &self.position)
            .field("initial", &self.initial)
            .field("length", &self.length)
            // Neither says more of itself.
            .field("style", &self.style.is_some())
            .field("multi", &self.multi.is_some())
            .field("interval", &self.interval)
            .field("workers", &self.workers)
            .finish()
    }
}
