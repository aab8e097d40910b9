//! Short runs in real threads, small enough for Miri, which looks for undefined behaviour and data
//! races in them.

use crate::{ParStatefulExt, TaskErrorKind, par_map};

#[test]
fn items_pass_from_thread_to_thread() {
    let outputs: Vec<usize> = par_map(0..700, 2, |x| x).propagate_panics().collect();
    assert!(outputs.into_iter().eq(0..700));
}

#[test]
fn items_that_own_memory_pass_in_any_order() {
    let inputs = (0..300).map(|x| format!("{x}"));
    let outputs = inputs.par_map(3, |x: String| x + "!").unordered().propagate_panics();
    let mut outputs: Vec<_> = outputs.collect();
    outputs.sort();
    outputs.dedup();
    assert_eq!(outputs.len(), 300);
}

#[test]
fn what_is_left_early_is_dropped() {
    let mut outputs = (0..).map(Box::new).par_map(2, |x: Box<u32>| Box::new(*x + 1));
    for wanted in 1..50 {
        assert_eq!(*outputs.next().unwrap().unwrap(), wanted);
    }
}

#[test]
fn what_follows_a_panic_is_run_all_the_same() {
    let work = |x: u32| if x % 7 == 3 { panic!("seven") } else { vec![x] };
    let errors = par_map(0..40, 2, work).filter_map(Result::err);
    assert!(errors.map(|error| error.kind()).eq([TaskErrorKind::Panicked; 6]));
}
