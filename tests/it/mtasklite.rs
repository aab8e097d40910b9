//! The Python original as a yardstick: what mtasklite and its pqdm wrappers promise, by the
//! numbers of that list, what they do badly and is done better here, and every combination of what
//! can be chosen.
//!
//! | Number | The original's promise | Here |
//! |---|---|---|
//! | 1, 2, 7 | workers and their count | `workers::there_is_a_worker_for_each_spec` |
//! | 3, 4, 19 | counts and sizes below 1 | `workers::zeros_are_refused_at_the_call` (a panic at the call, not 1) |
//! | 6 | functions, closures, specs | `workers::functions_closures_and_specs_are_workers` |
//! | 8, better | one spec listed twice | `workers::the_same_spec_twice_shares_nothing` |
//! | 9 | functions and specs in one list | `workers::functions_and_specs_mix_in_one_list`, `combinations::workers_of_both_kinds` |
//! | 10, 11 | recorded arguments, a build in place | `workers::a_spec_records_arguments_and_builds_in_place` |
//! | 12, 14, better | a constructor that fails | `workers::a_failing_constructor_is_given_up` |
//! | 13, 36 | more workers than inputs | `workers::only_workers_with_an_item_are_built` |
//! | 15 | state | `workers::state_is_kept_for_the_whole_run` |
//! | 16, better | the class stays visible | `workers::the_type_is_not_hidden` |
//! | 17, 20 | the default window | `defaults::the_default_window_follows_the_number_of_workers` |
//! | 21, 22 | the other defaults | `defaults::by_default_errors_are_items_in_order`, `defaults::by_default_the_end_waits_for_workers` |
//! | 23, 24, better | wrong options | types, `workers::zeros_are_refused_at_the_call`, `workers::an_option_after_the_start_is_refused` |
//! | 25, 26, 27 | inline | `iteration::inline_runs_here_item_by_item_and_sends_nothing` |
//! | 28 | lazy | `iteration::nothing_is_pulled_before_the_first_next` |
//! | 29, 30 | bounded | `iteration::a_stalled_first_item_keeps_the_window_shut`, `combinations` |
//! | 31 | unbounded | `iteration::unbounded_reads_everything` |
//! | 32 | order | `iteration::order_is_kept_or_given_up`, `combinations` |
//! | 33, 56 | length (56: what the bar is given) | `iteration::the_length_is_that_of_the_input`, `combinations` |
//! | 34 | an iterator that cleans up | `iteration::the_result_is_an_iterator`, `life_cycle::a_run_can_be_handed_over`, `combinations::leaving_early` |
//! | 35 | empty input | `iteration::empty_input_is_an_empty_run` |
//! | 37 | any iterable | `iteration::any_iterable_goes_in` |
//! | 38 | arguments | `iteration::arguments_come_single_by_position_and_by_name`, `combinations` |
//! | 40 | a worker's own arguments | `workers::each_worker_has_its_own_arguments` |
//! | 41 | errors as items | `errors::an_error_takes_the_place_of_its_item` |
//! | 42 | immediate | `errors::stop_on_error_delivers_what_came_before_and_ends` |
//! | 43 | deferred | `errors::defer_errors_ends_with_one_error_of_all` |
//! | 44, better | a returned error is not raised | `errors::a_returned_error_is_not_raised` |
//! | 45 | an error of the source | `errors::an_error_of_the_source_reaches_the_caller` |
//! | 46 | an error in the loop body | `errors::an_error_in_the_loop_body_leaves_no_worker` |
//! | 47 | has it ended | `life_cycle::a_run_can_be_asked_whether_it_has_ended` |
//! | 48 | never used | `life_cycle::a_run_never_used_closes_cleanly` |
//! | 49 | closing and its timeout | `life_cycle::closing_waits_for_the_timeout_at_most` (ending by force: `tests/processes`, `limits`) |
//! | 50 | the backlog after an error | `errors::an_error_stops_the_backlog`, `errors::an_error_stops_the_input_before_the_consumer_has_seen_it` |
//! | 51, better | a second run | `life_cycle::specs_serve_many_runs` (on one kept pool: with `Pool`, which is still to come) |
//! | 53, better | runs nest | `life_cycle::runs_nest` ; in processes: `tests/processes`, `both::mtasklite::runs_nest` |
//! | 55 | options of run and bar together | `iteration::options_of_the_run_and_the_bar_go_together` |
//! | 52, 54 | processes, task timeouts | `tests/processes`: `both::mtasklite`, `faults`, `limits` |
//!
//! What has no number and is done better is in `fixed`.

mod cases;
mod combinations;
mod defaults;
mod errors;
mod fixed;
mod inputs;
mod iteration;
mod life_cycle;
pub(crate) mod outcome;
mod workers;
