//! Specs made from functions.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use crate::{BuildError, Spec, Worker};

/// A plain function or closure as a spec: each worker is a clone of it.
///
/// What the closure owns is cloned to each worker when that worker is built. A closure's argument
/// type is written out, or it cannot be inferred. For state that is made inside the worker, use
/// [`init_fn`].
///
/// # Examples
///
/// ```
/// use mtask::{Spec, par_stateful, worker_fn};
///
/// let specs = worker_fn(|s: &'static str| s.len()).times(2);
/// let lengths: Result<Vec<_>, _> = par_stateful(["a", "bc"], specs).collect();
/// assert_eq!(lengths?, [1, 2]);
/// # Ok::<(), mtask::TaskError>(())
/// ```
pub fn worker_fn<F, I, O>(f: F) -> FnSpec<F, I, O>
where
    F: FnMut(I) -> O + Clone + Send,
{
    FnSpec { f, types: PhantomData }
}

/// A closure that makes the worker's closure, as a spec: state without a type of its own.
///
/// The outer closure runs in the worker's own thread, when its first item is there; what it
/// returns is called for each item and need not be `Send`. One that cannot fail ends in
/// `Ok::<_, Infallible>(..)`.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use std::convert::Infallible;
/// use std::rc::Rc;
///
/// use mtask::{Spec, init_fn, par_stateful};
///
/// let spec = init_fn(|| {
///     let seen = Rc::new(Cell::new(0)); // `!Send`: it never leaves the thread it was made on
///     Ok::<_, Infallible>(move |x: u32| {
///         seen.set(seen.get() + 1);
///         (x, seen.get())
///     })
/// });
/// let counted: Result<Vec<_>, _> = par_stateful(7..10, spec.times(1)).collect();
/// assert_eq!(counted?, [(7, 1), (8, 2), (9, 3)]);
/// # Ok::<(), mtask::TaskError>(())
/// ```
pub fn init_fn<F, G, E, I, O>(f: F) -> InitSpec<F, I, O>
where
    F: Fn() -> Result<G, E> + Clone + Send,
    G: FnMut(I) -> O,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    InitSpec { f, types: PhantomData }
}

/// The spec made by [`worker_fn`].
#[must_use = "a spec does nothing by itself: give it to a run"]
pub struct FnSpec<F, I, O> {
    f: F,
    types: PhantomData<fn(I) -> O>,
}

/// The spec made by [`init_fn`].
#[must_use = "a spec does nothing by itself: give it to a run"]
pub struct InitSpec<F, I, O> {
    f: F,
    types: PhantomData<fn(I) -> O>,
}

/// A function as a worker; built by the specs of [`worker_fn`] and [`init_fn`].
pub struct FnWorker<F, I, O> {
    f: F,
    types: PhantomData<fn(I) -> O>,
}

#[diagnostic::do_not_recommend]
impl<F, I, O> Spec<FnWorker<F, I, O>> for FnSpec<F, I, O>
where
    F: FnMut(I) -> O + Clone + Send,
{
    fn build(&self) -> Result<FnWorker<F, I, O>, BuildError> {
        Ok(FnWorker { f: self.f.clone(), types: PhantomData })
    }
}

#[diagnostic::do_not_recommend]
impl<F, G, E, I, O> Spec<FnWorker<G, I, O>> for InitSpec<F, I, O>
where
    F: Fn() -> Result<G, E> + Clone + Send,
    G: FnMut(I) -> O,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn build(&self) -> Result<FnWorker<G, I, O>, BuildError> {
        let f = (self.f)().map_err(BuildError::new)?;
        Ok(FnWorker { f, types: PhantomData })
    }
}

#[diagnostic::do_not_recommend]
impl<F: FnMut(I) -> O, I, O> Worker for FnWorker<F, I, O> {
    type Input = I;
    type Output = O;

    fn call(&mut self, input: I) -> O {
        (self.f)(input)
    }
}

impl<F: Clone, I, O> Clone for FnSpec<F, I, O> {
    fn clone(&self) -> Self {
        Self { f: self.f.clone(), types: PhantomData }
    }
}

impl<F: Clone, I, O> Clone for InitSpec<F, I, O> {
    fn clone(&self) -> Self {
        Self { f: self.f.clone(), types: PhantomData }
    }
}

impl<F, I, O> fmt::Debug for FnSpec<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker_fn({})", type_name::<F>())
    }
}

impl<F, I, O> fmt::Debug for InitSpec<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "init_fn({})", type_name::<F>())
    }
}

impl<F, I, O> fmt::Debug for FnWorker<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FnWorker({})", type_name::<F>())
    }
}
