//! Parts of a text from outside in a message: as long as a message may be, and telling a terminal nothing.

/// The first `most` characters of a text, with `...` where there are more. A control character (with which a text could write over
/// what stands on the screen) and a mark that turns the direction of writing become `\u{fffd}`.
///
/// ```
/// use models::message::shown;
/// assert_eq!(shown("unknown field `\u{1b}[2Jseed`", 20), "unknown field `\u{fffd}[2Js...");
/// ```
#[must_use]
pub fn shown(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).map(|c| if is_told(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        shown.push_str("...");
    }
    shown
}

/// A text of several lines, with all that [`shown`] takes out of one but the ends of lines and tabs.
///
/// ```
/// use models::message::lines;
/// assert_eq!(lines("name\u{1b}[2J\tis\nlong\u{9b}"), "name\u{fffd}[2J\tis\nlong\u{fffd}");
/// ```
#[must_use]
pub fn lines(text: &str) -> std::borrow::Cow<'_, str> {
    let bad = |c: char| is_told(c) && !matches!(c, '\n' | '\t');
    if text.contains(bad) { text.replace(bad, "\u{fffd}").into() } else { text.into() }
}

/// Whether a terminal takes a character for something to do.
fn is_told(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
