//! Statistics, summaries and the run itself, behind each adaptor.

use mtask::prelude::*;
use mtask::{ParStateful, TaskErrorKind};

use crate::util::{eventually, watched};

/// Takes no odd number past 500, and counts the even ones.
struct Even(usize);

#[delayed_init]
impl Even {
    fn new() -> Self {
        Self(0)
    }

    fn call(&mut self, x: u32) -> Result<u32, String> {
        if x > 500 && x % 2 == 1 {
            return Err(format!("{x} is odd"));
        }
        self.0 += usize::from(x % 2 == 0);
        Ok(x)
    }

    fn finish(self) -> usize {
        self.0
    }
}

/// Looks at a run behind adaptors, with an item at its start, after its end, and at its summaries.
macro_rules! tells {
    ($run:expr, yielded: $yielded:expr, errors: $errors:expr, even: $even:expr) => {{
        let mut items = $run;
        assert!(!items.is_finished());
        assert!(items.next().is_some());
        assert_eq!(items.stats().yielded, 1);
        let run: &ParStateful<_, _, _> = items.get_ref();
        assert_eq!(run.stats().window, items.stats().window);

        items.by_ref().for_each(drop);
        eventually("nothing of the run is left", || items.is_finished());
        let stats = items.stats();
        assert_eq!((stats.yielded, stats.errors), ($yielded, $errors));
        assert_eq!(stats.workers.len(), 2);
        assert_eq!(items.stats().elapsed, stats.elapsed, "it stands still after the end");
        assert!(!items.cancel_handle().is_cancelled());

        let summaries = items.into_summaries().into_iter().map(|(_worker, even)| even.unwrap());
        let even: usize = summaries.sum();
        assert!(($even).contains(&even), "{even}");
    }};
}

#[test]
fn a_run_tells_of_itself_behind_each_adaptor() {
    let run = || par_stateful(0..1_000, Even::spec().times(2)).with_summaries();
    watched(move || {
        tells!(run().flatten_errors(), yielded: 1_000, errors: 250, even: 500..=500);
        tells!(run().stop_on_error(), yielded: 1_000, errors: 0, even: 500..=500);
        tells!(run().defer_errors(), yielded: 1_000, errors: 0, even: 500..=500);
        tells!(run().propagate_panics(), yielded: 1_000, errors: 0, even: 500..=500);
        tells!(run().flatten_errors().defer_errors(), yielded: 1_000, errors: 250, even: 500..=500);
        // Item 501 is the first that fails; some behind it may have been begun.
        tells!(run().flatten_errors().stop_on_error(), yielded: 502, errors: 1, even: 251..=500);
    });
}

#[test]
fn the_run_itself_goes_on_where_an_adaptor_is_taken_off() {
    watched(|| {
        let run = || par_stateful(0..600, Even::spec().times(2));
        let mut flat = run().flatten_errors();
        assert_eq!(flat.by_ref().take(502).filter(Result::is_err).count(), 1);
        assert_eq!(flat.into_inner().filter(|item| item.as_ref().unwrap().is_err()).count(), 49);

        // After its error nothing is left to go on with.
        let mut stopped = run().flatten_errors().stop_on_error();
        let error = stopped.by_ref().find_map(Result::err).unwrap();
        assert_eq!((error.index(), error.kind()), (Some(501), TaskErrorKind::Failed));
        assert_eq!(stopped.size_hint(), (0, Some(0)));
        assert_eq!(stopped.into_inner().count(), 0);
    });
}
