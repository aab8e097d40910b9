//! The memory that items and results share.

#![allow(unsafe_code, reason = "inputs and results pass from thread to thread without a lock")]

use std::mem::ManuallyDrop;

use super::taken::Taken;
use super::tuning::BLOCK_BYTES;
use super::{Finished, StopWhen};
use crate::TaskError;
use crate::error::drop_caught;
use crate::sync::{Arc, AtomicU16, AtomicUsize, Ordering, Padded, UnsafeCell};

/// The most items in a block; what is packed in a [`Hand`](super::hand::Hand) is less than 2^16.
pub(super) const ITEMS: usize = if cfg!(loom) { 2 } else { 2048 };

/// The bytes of a cache line.
#[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
const LINE: usize = 64;

/// No output here yet: an input, an item in progress, or nothing at all.
const PENDING: u16 = 0;
/// The input was taken, and there is no output yet. A worker writes this when it lets go of a place of
/// which no output will come; with debug assertions as soon as the input is taken.
const BEGUN: u16 = 1;
/// An output, where the worker's number, from 1 on, stands in the bits above; 0 is for none, or for
/// one that has no room there.
const DONE: u16 = 2;
/// An error instead, in the same way.
const FAILED: u16 = 3;

/// How many workers' numbers a state has room for. Two bytes a place, since its line goes from
/// processor to processor: with four, an item of a few nanoseconds takes a tenth longer.
const MOST_WORKERS: usize = (u16::MAX >> 2) as usize;

/// The state of a place with an output.
#[inline(always)]
const fn done_by(worker: Option<usize>, kind: u16) -> u16 {
    match worker {
        Some(worker) if worker < MOST_WORKERS => (worker as u16 + 1) << 2 | kind,
        _ => kind,
    }
}

/// Items next to each other in the source, and their results in the same places.
///
/// A place goes through the hands of three threads, each alone in it for a time:
///
/// 1. the one in the source writes the input, and then raises `filled`;
/// 2. the worker that has claimed the place reads the input, writes the output, and then raises
///    the place's `state`;
/// 3. the consumer reads the output.
pub(super) struct Block<T, O> {
    /// Index of the first item. Never changes once the block is shared.
    base: usize,
    /// How many places have been given an input. Written (Release) by the thread in the source,
    /// after the input; read (Acquire) by who claims, before the inputs behind it.
    filled: Padded<AtomicUsize>,
    /// For each place `PENDING`, then `DONE` or `FAILED`, or [`BEGUN`]. That is written (Release) by the
    /// place's worker after the output, and read (Acquire) by the consumer before it.
    states: Box<[AtomicU16]>,
    /// The places that have been taken, whatever their state says. Written and read by the consumer,
    /// and read by whoever drops the block, after the last of all its users.
    taken: Taken,
    slots: Box<[UnsafeCell<Slot<T, O>>]>,
}

/// What of these is there, the place's state says: so that for small items no room is lost to a tag.
union Slot<T, O> {
    _empty: (),
    input: ManuallyDrop<T>,
    output: ManuallyDrop<O>,
    error: ManuallyDrop<TaskError>,
}

/// The places of a new block, made where they stay: an item may be too large to pass over the stack.
#[cfg(not(loom))]
fn empty_slots<T, O>(len: usize) -> Box<[UnsafeCell<Slot<T, O>>]> {
    let mut slots = Vec::with_capacity(len);
    // SAFETY: there is room for so many, and a union with a field of no size may be any bytes.
    unsafe { slots.set_len(len) };
    empty(&mut slots);
    slots.into_boxed_slice()
}

/// Empties places, by zeros and not by just any bytes: whoever makes or renews a block so fetches all
/// of its cache lines at once, which otherwise happens one by one while the source is held up.
#[cfg(not(loom))]
fn empty<T, O>(slots: &mut [UnsafeCell<Slot<T, O>>]) {
    // SAFETY: a union with a field of no size may be any bytes.
    unsafe { slots.as_mut_ptr().write_bytes(0, slots.len()) };
}

/// The cells of a model are more than their bytes.
#[cfg(loom)]
fn empty_slots<T, O>(len: usize) -> Box<[UnsafeCell<Slot<T, O>>]> {
    (0..len).map(|_| UnsafeCell::new(Slot { _empty: () })).collect()
}

#[cfg(loom)]
fn empty<T, O>(slots: &mut [UnsafeCell<Slot<T, O>>]) {
    slots.fill_with(|| UnsafeCell::new(Slot { _empty: () }));
}

// SAFETY: a block hands inputs and outputs from thread to thread, which their `Send` allows, and
// never lets two threads see the same one at a time: a place belongs to the thread in the source,
// its worker, or the consumer, and passes on by a Release that the next one has acquired.
unsafe impl<T: Send, O: Send> Send for Block<T, O> {}
// SAFETY: as above; what is shared besides are atomics.
unsafe impl<T: Send, O: Send> Sync for Block<T, O> {}

/// The right to fill a block, of which there is one: it is made of a block that nobody else has.
pub(super) struct Filler<T, O>(Arc<Block<T, O>>);

impl<T, O> Filler<T, O> {
    /// Of a block whose first item is to have this index.
    ///
    /// # Panics
    ///
    /// If the block is shared already.
    pub(super) fn new(mut block: Arc<Block<T, O>>, base: usize) -> Self {
        Arc::get_mut(&mut block).expect("a block is shared from here on").base = base;
        Self(block)
    }

    pub(super) fn block(&self) -> &Arc<Block<T, O>> {
        &self.0
    }

    pub(super) fn into_block(self) -> Arc<Block<T, O>> {
        self.0
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.filled() == Block::<T, O>::LEN
    }

    /// The places that are not filled, one by one.
    pub(super) fn places(&mut self) -> Unfilled<'_, T, O> {
        Unfilled { block: &self.0, at: self.0.filled() }
    }
}

/// The places of a block that are not filled, in the hands of the thread in the source.
pub(super) struct Unfilled<'f, T, O> {
    block: &'f Block<T, O>,
    /// The first of them: what `filled` says, kept here so that it may stay in a register.
    at: usize,
}

impl<T, O> Unfilled<'_, T, O> {
    /// The first of them.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The index of the item that is to go into the first.
    pub(super) fn index(&self) -> usize {
        self.block.base + self.at
    }

    /// Puts an input into the first.
    ///
    /// # Panics
    ///
    /// If the block is full.
    #[inline]
    pub(super) fn put(&mut self, input: T) {
        debug_assert_eq!(self.at, self.block.filled(), "places are filled one after the other");
        debug_assert_eq!(
            self.block.states[self.at].load(Ordering::Relaxed),
            PENDING,
            "a place that is filled is empty"
        );
        // SAFETY: nobody looks into a place that is not counted in `filled` yet, and nobody else has
        // the right to fill it.
        self.block.slots[self.at]
            .with_mut(|slot| unsafe { (*slot).input = ManuallyDrop::new(input) });
        self.at += 1;
        self.block.filled.store(self.at, Ordering::Release);
    }

    /// Puts a result into the first, whose input was never there: it was run as it came.
    ///
    /// # Panics
    ///
    /// If the block is full.
    ///
    /// # Safety
    ///
    /// The place is never claimed.
    #[inline]
    pub(super) unsafe fn put_result(
        &mut self,
        worker: Option<usize>,
        result: Result<O, TaskError>,
    ) {
        let place = self.block.place(self.at);
        place.turn_from(PENDING, BEGUN);
        self.at += 1;
        // Before the result: no more is taken than is filled.
        self.block.filled.store(self.at, Ordering::Release);
        // SAFETY: nobody claims the place, and nobody else has the right to fill it; once for each, as `at` goes on.
        unsafe { place.put_output(worker, result) };
    }
}

/// A place, in the hands of its worker.
pub(super) struct Place<'a, T, O> {
    slot: &'a UnsafeCell<Slot<T, O>>,
    state: &'a AtomicU16,
}

impl<T, O> Place<'_, T, O> {
    /// Takes the input out.
    ///
    /// # Safety
    ///
    /// The caller has claimed the place, which is among those filled, and takes it once; it goes
    /// on to [`put_output`](Place::put_output), though what it does in between may unwind.
    #[inline(always)]
    pub(super) unsafe fn take_input(&self) -> T {
        self.turn_from(PENDING, BEGUN);
        // SAFETY: the claim came after an Acquire of `filled`, so that the input is there and
        // seen; nobody else has this place now.
        self.slot.with_mut(|slot| unsafe { ManuallyDrop::take(&mut (*slot).input) })
    }

    /// Puts an input back that was taken out, to be taken once more.
    ///
    /// # Safety
    ///
    /// The caller has claimed the place and taken its input, and no output was put there.
    pub(super) unsafe fn put_input(&self, input: T) {
        self.turn_from(BEGUN, PENDING);
        // SAFETY: nobody else has this place now; who claims it next does so under a lock after this.
        self.slot.with_mut(|slot| unsafe { (*slot).input = ManuallyDrop::new(input) });
    }

    /// Puts the output of `worker` where the input was.
    ///
    /// # Safety
    ///
    /// The caller has taken the input of this place, and does this once.
    #[inline(always)]
    pub(super) unsafe fn put_output(&self, worker: Option<usize>, output: Result<O, TaskError>) {
        self.turn_from(BEGUN, BEGUN);
        // SAFETY: the place is still the caller's, and empty.
        let kind = self.slot.with_mut(|slot| unsafe {
            match output {
                Ok(output) => {
                    (*slot).output = ManuallyDrop::new(output);
                    DONE
                }
                Err(error) => {
                    (*slot).error = ManuallyDrop::new(error);
                    FAILED
                }
            }
        });
        self.state.store(done_by(worker, kind), Ordering::Release);
    }

    /// Leaves the place without an output.
    ///
    /// # Safety
    ///
    /// The caller has taken the input of this place, and puts no output there.
    pub(super) unsafe fn leave_empty(&self) {
        self.turn_from(BEGUN, BEGUN);
        self.state.store(BEGUN, Ordering::Relaxed);
    }

    /// With debug assertions: the place is in this state, and is now in that one.
    #[inline(always)]
    fn turn_from(&self, from: u16, to: u16) {
        if cfg!(debug_assertions) {
            let state = self.state.load(Ordering::Relaxed);
            assert_eq!(state, from, "the state of a place, in the hands of its worker");
            self.state.store(to, Ordering::Relaxed);
        }
    }
}

/// What the consumer finds in a place.
pub(super) enum Phase {
    Pending,
    Taken,
    Done,
}

impl<T, O> Block<T, O> {
    /// How many items a block has room for.
    pub(super) const LEN: usize = {
        let fit = BLOCK_BYTES / size_of::<Slot<T, O>>();
        if fit == 0 {
            1
        } else if fit > ITEMS {
            ITEMS
        } else {
            fit
        }
    };

    /// How many items are in a cache line; one where they are larger.
    #[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
    const IN_LINE: usize = match size_of::<Slot<T, O>>() {
        size @ 1..LINE => LINE / size,
        _ => 1,
    };

    pub(super) fn new() -> Self {
        let slots = empty_slots(Self::LEN);
        let states = (0..Self::LEN).map(|_| AtomicU16::new(PENDING)).collect();
        let (filled, taken) = (Padded(AtomicUsize::new(0)), Taken::new());
        Self { base: 0, filled, states, taken, slots }
    }

    /// Makes a block that has been used as good as new.
    pub(super) fn renew(&mut self) {
        self.clear();
        self.filled.0 = AtomicUsize::new(0);
        self.taken = Taken::new();
        self.states.fill_with(|| AtomicU16::new(PENDING));
        empty(&mut self.slots);
    }

    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// How many places have been given an input; those may be claimed.
    pub(super) fn filled(&self) -> usize {
        self.filled.load(Ordering::Acquire)
    }

    /// A place, for its worker.
    #[inline]
    pub(super) fn place(&self, at: usize) -> Place<'_, T, O> {
        Place { slot: &self.slots[at], state: &self.states[at] }
    }

    /// Places next to each other, for their worker.
    #[inline]
    pub(super) fn places(&self, from: usize, to: usize) -> impl Iterator<Item = Place<'_, T, O>> {
        let pairs = self.slots[from..to].iter().zip(&self.states[from..to]);
        pairs.map(|(slot, state)| Place { slot, state })
    }

    /// How many places from `at` on are done and not taken, up to `end`.
    pub(super) fn done(&self, at: usize, end: usize) -> usize {
        let end = self.taken.first(at, end).unwrap_or(end);
        let states = self.states[at..end].iter();
        states.take_while(|state| state.load(Ordering::Acquire) >= DONE).count()
    }

    /// Has the cache lines of places on their way, all at once, before they are read one after the
    /// other.
    #[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
    #[inline]
    pub(super) fn fetch(&self, from: usize, to: usize) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const STATES: usize = LINE / size_of::<AtomicU16>();
        for state in self.states[from..to].iter().step_by(STATES) {
            // SAFETY: a hint, which reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(state).cast()) };
        }
        for slot in self.slots[from..to].iter().step_by(Self::IN_LINE) {
            // SAFETY: as above.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(slot).cast()) };
        }
    }

    /// There is no such hint here.
    #[cfg(not(all(target_arch = "x86_64", not(any(loom, miri)))))]
    pub(super) fn fetch(&self, _from: usize, _to: usize) {}

    /// Takes the output out of a place.
    ///
    /// # Safety
    ///
    /// Only the consumer calls this, once for each place, after it has seen that it is done; and
    /// it tells afterwards that it has, by [`note_taken`](Block::note_taken), before it lets the
    /// block go.
    #[inline(always)]
    pub(super) unsafe fn take_output(&self, at: usize) -> Finished<O> {
        let state = self.states[at].load(Ordering::Relaxed);
        debug_assert!(state >= DONE, "the output of a place is taken that is not done: {state}");
        debug_assert!(
            self.taken.first(at, at + 1).is_none(),
            "the output of a place is taken twice"
        );
        // SAFETY: it is done, so that the worker has left the place, and its output is seen
        // through the Acquire with which that was seen; it was not taken before, and nobody else
        // takes.
        let result = unsafe { self.take_result(at, state) };
        let worker = (state >> 2).checked_sub(1).map(usize::from);
        Finished { index: Some(self.base + at), worker, result }
    }

    /// Takes out what a place holds that is done, by its state.
    ///
    /// # Safety
    ///
    /// `state` is what the place's state is, and nobody else has the place.
    #[inline(always)]
    unsafe fn take_result(&self, at: usize, state: u16) -> Result<O, TaskError> {
        // SAFETY: the state says what is there.
        self.slots[at].with_mut(|slot| unsafe {
            if state & FAILED == FAILED {
                Err(ManuallyDrop::take(&mut (*slot).error))
            } else {
                Ok(ManuallyDrop::take(&mut (*slot).output))
            }
        })
    }

    /// Notes that places next to each other have been taken.
    pub(super) fn note_taken(&self, from: usize, to: usize) {
        debug_assert!(from <= to && to <= self.filled(), "{from} to {to}: taken, and not filled");
        debug_assert!(self.taken.first(from, to).is_none(), "{from} to {to}: noted as taken twice");
        self.taken.add(from, to);
    }

    /// What there is for the consumer in a place.
    pub(super) fn phase(&self, at: usize) -> Phase {
        if self.taken.first(at, at + 1).is_some() {
            Phase::Taken
        } else if self.states[at].load(Ordering::Acquire) < DONE {
            Phase::Pending
        } else {
            Phase::Done
        }
    }

    /// The places among these that are begun and not done, as far as their states say it: with debug
    /// assertions.
    #[cfg(not(loom))]
    pub(super) fn begun(&self, from: usize, to: usize) -> impl Iterator<Item = usize> {
        (from..to).filter(|&at| self.states[at].load(Ordering::Relaxed) == BEGUN)
    }

    /// Whether there is a result in a place, and one for which `holds`.
    ///
    /// # Safety
    ///
    /// Only the consumer calls this.
    pub(super) unsafe fn is_done_with(&self, at: usize, holds: StopWhen<O>) -> bool {
        if !matches!(self.phase(at), Phase::Done) {
            return false;
        }
        let state = self.states[at].load(Ordering::Acquire);
        // SAFETY: the state says what is there, which its worker has left to the consumer by the
        // Release that was acquired with it; the consumer looks here, and so takes nothing meanwhile.
        self.slots[at].with(|slot| unsafe {
            holds(if state & FAILED == FAILED { Err(&(*slot).error) } else { Ok(&(*slot).output) })
        })
    }
}

impl<T, O> Block<T, O> {
    /// Drops the inputs that nobody has run and the outputs that nobody has taken.
    fn clear(&mut self) {
        for at in self.taken.others(self.filled()) {
            match self.states[at].load(Ordering::Acquire) {
                // SAFETY: nobody else has the block any more. A worker that gives up its hold on a block
                // has published or left empty what it has begun, so that any other place that is filled
                // still has its input.
                PENDING => _ = drop_caught(unsafe { self.place(at).take_input() }),
                BEGUN => {}
                // SAFETY: nobody else has the block any more, and the output was not taken.
                state => _ = drop_caught(unsafe { self.take_result(at, state) }),
            }
        }
    }
}

impl<T, O> Drop for Block<T, O> {
    fn drop(&mut self) {
        self.clear();
    }
}
