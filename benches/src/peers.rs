//! mtask, and what a user would pick instead. Each way to do it is a [`Peer`], in a file of its own.

mod crossbeam;
mod eager;
mod fronts;
mod mtask;
mod orx;
mod packed;
mod pools;
mod rayon;
mod reorder;
mod scope;
mod sequential;
mod stateful;
mod streaming;
mod tokio;
mod watched;

use crate::figures::Figures;
use crate::scenarios::{self, Params};
use crate::sink::Sink;
use crate::source::Source;
use crate::work::Task;

/// What a table says of a peer.
pub(crate) struct Card {
    /// The name on the command line and in the tables.
    pub(crate) name: &'static str,
    /// The crate it stands on.
    pub(crate) of: &'static str,
    /// How it is called.
    pub(crate) how: &'static str,
    /// One call of a published crate, and not written by hand.
    pub(crate) published: bool,
    /// Results come in input order.
    pub(crate) ordered: bool,
    /// Results come while the source is still being pulled.
    pub(crate) lazy: bool,
    /// What was pulled and is not yet consumed has a limit.
    pub(crate) bounded: bool,
    /// Only the source's length decides, not its items: it takes no iterator.
    pub(crate) range_only: bool,
    /// Another way to ask mtask for a run.
    pub(crate) front: bool,
}

impl Card {
    /// A peer that is none of it.
    const fn new(name: &'static str, of: &'static str, how: &'static str) -> Self {
        Self {
            name,
            of,
            how,
            published: false,
            ordered: false,
            lazy: false,
            bounded: false,
            range_only: false,
            front: false,
        }
    }

    const fn published(self) -> Self {
        Self { published: true, ..self }
    }

    const fn ordered(self) -> Self {
        Self { ordered: true, ..self }
    }

    const fn lazy(self) -> Self {
        Self { lazy: true, ..self }
    }

    const fn bounded(self) -> Self {
        Self { bounded: true, ..self }
    }

    const fn range_only(self) -> Self {
        Self { range_only: true, ..self }
    }

    const fn front(self) -> Self {
        Self { front: true, ..self }
    }
}

/// A way to map a source by several workers.
pub(crate) trait Peer {
    const CARD: Card;

    /// Runs `work` over the source and hands the results to the sink, until it has enough.
    ///
    /// Whatever the peer starts, it starts in here, as a user's program would.
    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static;
}

/// A peer whose workers can have state.
pub(crate) trait Stateful: Peer {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>;
}

/// The place of the sequential loop in the table.
pub(crate) const SEQUENTIAL: usize = 0;

/// The table of peers, in the order in which they are measured and shown.
macro_rules! peers {
    (stateful: [$($stateful:ty),* $(,)?], others: [$($other:ty),* $(,)?] $(,)?) => {
        pub(crate) const ALL: &[Card] =
            &[$(<$stateful as Peer>::CARD),*, $(<$other as Peer>::CARD),*];

        pub(crate) const STATEFUL: &[&str] = &[$(<$stateful as Peer>::CARD.name),*];

        /// Runs one scenario with the peer of this name.
        pub(crate) fn measure(name: &str, params: &Params) -> Result<Figures, String> {
            $(if name == <$stateful as Peer>::CARD.name {
                return match params.case.scenario {
                    "builds" => Ok(scenarios::builds::measure::<$stateful>(params)),
                    _ => scenarios::measure::<$stateful>(params),
                };
            })*
            $(if name == <$other as Peer>::CARD.name {
                return scenarios::measure::<$other>(params);
            })*
            Err(format!("there is no peer `{name}`: see --list"))
        }
    };
}

peers! {
    stateful: [
        sequential::Sequential,
        mtask::Mtask<true, 0>,
        mtask::Mtask<false, 0>,
        mtask::Mtask<true, 1024>,
        rayon::OfVec,
        streaming::Pariter<0>,
        streaming::Pariter<1024>,
        streaming::Parseq,
        streaming::Plmap,
        orx::OfIter,
        pools::Workerpool,
        crossbeam::PerItem,
    ],
    others: [
        fronts::Inline,
        fronts::Local,
        fronts::Stream,
        packed::ParMap,
        tokio::Buffered,
        rayon::OfRange,
        rayon::Bridge,
        rayon::Chunks,
        orx::OfVec,
        eager::Paralight,
        crossbeam::PerBatch,
        scope::Scope,
        watched::Watched<false>,
        watched::Watched<true>,
    ],
}
