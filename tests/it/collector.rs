//! A subscriber that keeps what it is told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, dispatcher};
use tracing_core::span::Current;

/// A subscriber, and a clone of it to ask.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    spans: Vec<Told>,
    events: Vec<Told>,
}

/// A span or an event.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    metadata: &'static Metadata<'static>,
    /// The place in the log of the span that it is in.
    parent: Option<usize>,
    fields: Fields,
    /// Of a span, how many handles there are.
    handles: usize,
}

/// Each by its name, as it is printed.
#[derive(Clone, Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

thread_local! {
    /// The spans that this thread is in.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn place(id: &Id) -> usize {
    usize::try_from(id.into_u64()).unwrap() - 1
}

fn current() -> Option<Id> {
    ENTERED.with_borrow(|entered| entered.last().copied().map(Id::from_u64))
}

/// A subscriber that no thread has. While a process has only one, tracing lets the thread that comes to a call site
/// first say whether anybody listens there, and keeps the answer for all threads: that of a test without a
/// subscriber would silence the call site for a test that has the one. Where there are two, all are asked.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Collector::default()));

impl Collector {
    /// Calls `f` with this as the thread's subscriber.
    pub(crate) fn hear<T>(&self, f: impl FnOnce() -> T) -> T {
        LazyLock::force(&ANOTHER);
        dispatcher::with_default(&Dispatch::new(self.clone()), f)
    }

    /// The events with this message, in their order.
    pub(crate) fn events(&self, message: &str) -> Vec<Told> {
        let is = |event: &&Told| event.get("message") == Some(message);
        self.with(|log| log.events.iter().filter(is).cloned().collect())
    }

    /// The messages of all events of mtask, in their order.
    pub(crate) fn messages(&self) -> Vec<String> {
        let ours = |event: &&Told| event.metadata.target() == "mtask";
        let message = |event: &Told| event.get("message").unwrap().to_owned();
        self.with(|log| log.events.iter().filter(ours).map(message).collect())
    }

    /// The spans of this name, in their order.
    pub(crate) fn spans(&self, name: &str) -> Vec<Told> {
        let is = |span: &&Told| span.metadata.name() == name;
        self.with(|log| log.spans.iter().filter(is).cloned().collect())
    }

    /// The spans that something is in, from the innermost outwards.
    pub(crate) fn around(&self, told: &Told) -> Vec<Told> {
        self.with(|log| {
            let parent = |told: &Told| told.parent.map(|parent| log.spans[parent].clone());
            std::iter::successors(parent(told), parent).collect()
        })
    }

    /// Their names.
    pub(crate) fn path(&self, told: &Told) -> Vec<&'static str> {
        self.around(told).iter().map(|span| span.metadata.name()).collect()
    }

    fn with<T>(&self, f: impl FnOnce(&mut Log) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Told {
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.fields.0.get(field).map(String::as_str)
    }

    pub(crate) fn level(&self) -> Level {
        *self.metadata.level()
    }

    /// It is a span that nobody holds any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.handles == 0
    }

    fn new(
        metadata: &'static Metadata<'static>,
        parent: Option<&Id>,
        is_contextual: bool,
        record: impl FnOnce(&mut Fields),
    ) -> Self {
        let parent = if is_contextual { current() } else { parent.cloned() };
        let mut fields = Fields::default();
        record(&mut fields);
        Self { metadata, parent: parent.as_ref().map(place), fields, handles: 1 }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let told = Told::new(span.metadata(), span.parent(), span.is_contextual(), |fields| {
            span.record(fields);
        });
        self.with(|log| {
            log.spans.push(told);
            Id::from_u64(log.spans.len() as u64)
        })
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.with(|log| values.record(&mut log.spans[place(span)].fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let told = Told::new(event.metadata(), event.parent(), event.is_contextual(), |fields| {
            event.record(fields);
        });
        self.with(|log| log.events.push(told));
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        let left = ENTERED.with_borrow_mut(Vec::pop);
        assert_eq!(left, Some(span.into_u64()), "spans are left in the order they are in");
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.with(|log| log.spans[place(span)].handles += 1);
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        self.with(|log| {
            let handles = &mut log.spans[place(&span)].handles;
            *handles -= 1;
            *handles == 0
        })
    }

    fn current_span(&self) -> Current {
        match current() {
            Some(id) => {
                let metadata = self.with(|log| log.spans[place(&id)].metadata);
                Current::new(id, metadata)
            }
            None => Current::none(),
        }
    }
}
