//! Plans: what is accepted is written as it is read, and no text brings the reader down.

use fuzz::{Answer, Syntax, Target, USUAL_TIME, message_is_fit_to_print};
use models::plan::Plan;

fn read(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    match Plan::from_text(&text) {
        Ok(plan) => {
            let written = plan.to_text();
            let again = Plan::from_text(&written).expect("what was written is a plan");
            assert!(again == plan, "it was written otherwise than it was read");
            assert!(again.to_text() == written);
            // A rehearsal takes it as it is.
            let _ = executor::rehearse(&plan);
            Answer::Accepted
        }
        Err(e) => {
            message_is_fit_to_print(&e.to_string());
            Answer::Refused(e.to_string())
        }
    }
}

#[test]
fn every_text_of_the_corpus_is_accepted_or_refused_as_it_should_be() {
    let target = Target::new("plan", Syntax::Json, <[u8]>::to_vec, read);
    target.read_corpus();
    target.tell();
}

#[test]
fn no_text_brings_the_reader_of_plans_down() {
    let target = Target::new("plan", Syntax::Json, <[u8]>::to_vec, read);
    bolero::check!().with_test_time(USUAL_TIME).with_type().for_each(|program| target.run(program));
    target.tell();
}
