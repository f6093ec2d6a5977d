//! Texts that are no plan: what is said of them.

use models::plan::{NotAPlan, Plan};

fn why(text: &str) -> (usize, usize, String) {
    match Plan::from_text(text) {
        Err(NotAPlan::Form { line, column, cause }) => (line, column, cause),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nesting_of_any_depth_is_an_error_and_not_the_end_of_the_stack() {
    for deep in ["[".repeat(1_000_000), format!("{{\"steps\":{}", "[{\"action\":".repeat(100_000)), "{\"verdicts\":".repeat(100_000)] {
        let (line, _, _) = why(&deep);
        assert_eq!(line, 1);
    }
    // Where a value of any form can stand before it is looked at: under the word that says which action it is.
    let (_, _, cause) = why(&format!("{{\"steps\":[{{\"action\":{{\"host\":{}", "[".repeat(100_000)));
    assert_eq!(cause, "recursion limit exceeded");
}

#[test]
fn a_message_quotes_a_bounded_part_of_the_text_and_tells_a_terminal_nothing() {
    let (line, column, cause) = why(&format!("{{\n\"\\u001b[2J{}\":1}}", "x".repeat(1_000_000)));
    assert_eq!((line, column), (2, 1_000_011));
    assert!(cause.starts_with("unknown field `\u{fffd}[2Jxxx") && cause.ends_with("x...") && cause.len() < 1000, "{cause}");
    // A text that speaks of lines does not cut the message short.
    let (_, _, cause) = why("{\"x at line y\":1}");
    assert!(cause.starts_with("unknown field `x at line y`, expected one of `version`"), "{cause}");
}
