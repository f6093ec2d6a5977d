//! Fuzzing of everything that reads what others may have written: plans, journals, inventories, definitions.
//!
//! A reader of text answers random bytes with "no" at the first of them, so an input is made from a text of the corpus: a [`Program`] of
//! mutations says which, and what is done to it. bolero makes the programs, makes small the one that fails, and can put an engine that is
//! guided by coverage in the place of chance. What a reader must do with each text is one function a target (`tests/`):
//! never panic, answer within bounds of time and memory, and give back what it accepts as it was.
//!
//! `cargo test -p fuzz` gives each target two seconds; `BOLERO_RANDOM_TEST_TIME_MS` says otherwise. A text that fails is kept in
//! `target/fuzz`; once the reader is mended it belongs into `corpus/TARGET/wrong` or `right`, all of which are read in every run.
//!
//! Guided by coverage (libFuzzer, on the stable toolchain), in a target folder of its own:
//!
//! ```sh
//! RUSTFLAGS="--cfg fuzzing --cfg fuzzing_libfuzzer -Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares" \
//!   cargo test -p fuzz --no-run --target x86_64-unknown-linux-gnu --target-dir target/libfuzzer
//! BOLERO_LIBTEST_HARNESS=1 BOLERO_LIBFUZZER_ARGS="FOUND -max_total_time=600" \
//!   target/libfuzzer/x86_64-unknown-linux-gnu/debug/deps/plan-... --exact no_text_brings_the_reader_of_plans_down --nocapture --test-threads 1
//! ```

mod corpus;
mod mutate;
mod run;

pub use corpus::{Corpus, Seed, Syntax};
pub use mutate::{MOST_BYTES, Mutation, Program};
pub use run::{Answer, Target, USUAL_TIME, message_is_fit_to_print};
