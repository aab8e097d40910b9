//! How items go to a child and results come back: as they are, or as those of a stage behind another.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::TaskError;
use crate::error::BoxError;
use crate::run::policy::Place;

/// How the items of a run go to a child, and its results come back. Stands for its type alone.
pub(super) trait Crossing<T, O> {
    /// What is sent.
    type Sent: Serialize;
    /// What the child tells.
    type Told: DeserializeOwned;

    /// What is to be sent; or the result, of an item that needs no worker.
    fn send(input: T) -> Result<Self::Sent, O>;

    /// The result. May panic where the user's code does.
    fn receive(told: Self::Told, place: &Place) -> O;
}

/// As they are.
pub(super) enum Plain {}

impl<T: Serialize, O: DeserializeOwned> Crossing<T, O> for Plain {
    type Sent = T;
    type Told = O;

    fn send(input: T) -> Result<T, O> {
        Ok(input)
    }

    fn receive(told: O, _: &Place) -> O {
        told
    }
}

/// The errors of an earlier stage stay here; the worker is that of an [`OkWorker`](crate::OkWorker).
pub(super) enum OfStage {}

impl<T: Serialize, O: DeserializeOwned, E> Crossing<Result<T, E>, Result<O, E>> for OfStage {
    type Sent = T;
    type Told = O;

    fn send(input: Result<T, E>) -> Result<T, Result<O, E>> {
        input.map_err(Err)
    }

    fn receive(told: O, _: &Place) -> Result<O, E> {
        Ok(told)
    }
}

/// The same, and the worker's own errors join them; that of a [`TryWorker`](crate::TryWorker).
pub(super) struct OfFallible<E>(PhantomData<fn() -> E>);

impl<T, O, E> Crossing<Result<T, TaskError>, Result<O, TaskError>> for OfFallible<E>
where
    T: Serialize,
    O: DeserializeOwned,
    E: DeserializeOwned + Into<BoxError>,
{
    type Sent = T;
    type Told = Result<O, E>;

    fn send(input: Result<T, TaskError>) -> Result<T, Result<O, TaskError>> {
        input.map_err(Err)
    }

    fn receive(told: Result<O, E>, place: &Place) -> Result<O, TaskError> {
        let &Place { index, worker, attempt } = place;
        told.map_err(|error| TaskError::failed(Some(index), Some(worker), attempt, error.into()))
    }
}
