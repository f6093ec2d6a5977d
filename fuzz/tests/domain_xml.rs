//! Definitions of guests as hosts give them: no text brings the reader down.

use fuzz::{Answer, Syntax, Target, USUAL_TIME, message_is_fit_to_print};

fn read(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    match executor::domain_xml::read(&text) {
        Ok(_) => Answer::Accepted,
        Err(e) => {
            message_is_fit_to_print(&e.to_string());
            Answer::Refused(e.to_string())
        }
    }
}

#[test]
fn every_text_of_the_corpus_is_accepted_or_refused_as_it_should_be() {
    let target = Target::new("domain_xml", Syntax::Xml, <[u8]>::to_vec, read);
    target.read_corpus();
    target.tell();
}

#[test]
fn no_text_brings_the_reader_of_definitions_down() {
    let target = Target::new("domain_xml", Syntax::Xml, <[u8]>::to_vec, read);
    bolero::check!().with_test_time(USUAL_TIME).with_type().for_each(|program| target.run(program));
    target.tell();
}
