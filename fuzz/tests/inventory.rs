//! Inventories: no text brings the reader down, and what is wrong is placed within the text.

use std::path::Path;

use executor::inventory::{Inventory, NotAnInventory};
use fuzz::{Answer, Syntax, Target, USUAL_TIME, message_is_fit_to_print};

fn read(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let file = Path::new("/etc/shuyaku/site.toml");
    match Inventory::from_text(&text, file) {
        Ok(inventory) => {
            assert_eq!(Inventory::from_text(&text, file).expect("as before"), inventory);
            Answer::Accepted
        }
        Err(e) => {
            message_is_fit_to_print(&e.to_string());
            if let NotAnInventory::Key { line, .. } = e {
                assert!((1..=text.split('\n').count()).contains(&line), "line {line}");
            }
            Answer::Refused(e.to_string())
        }
    }
}

#[test]
fn every_text_of_the_corpus_is_accepted_or_refused_as_it_should_be() {
    let target = Target::new("inventory", Syntax::Toml, <[u8]>::to_vec, read);
    target.read_corpus();
    target.tell();
}

#[test]
fn no_text_brings_the_reader_of_inventories_down() {
    let target = Target::new("inventory", Syntax::Toml, <[u8]>::to_vec, read);
    bolero::check!().with_test_time(USUAL_TIME).with_type().for_each(|program| target.run(program));
    target.tell();
}
