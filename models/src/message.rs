//! Parts of a text from outside in a message: as long as a message may be, and telling a terminal nothing.

/// The first `most` characters of a text, with `...` where there are more. A control character (with which a text could write over
/// what stands on the screen) and a mark that turns the direction of writing become `\u{fffd}`.
///
/// ```
/// use models::message::shown;
/// assert_eq!(shown("unknown field `\u{1b}[2Jseed`", 20), "unknown field `\u{fffd}[2J...");
/// ```
#[must_use]
pub fn shown(text: &str, most: usize) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown: String = text.chars().take(most).map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        shown.push_str("...");
    }
    shown
}
