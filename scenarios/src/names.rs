//! Names: what a name may be, names with a number in them, and the name that was perhaps meant.

/// What a name may be, in words.
pub(crate) const NAME_FORM: &str = "a name is 1 to 63 letters, digits, `.`, `_` and `-` (ASCII), and starts with a letter or a digit";

/// Whether a text is a name: `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`.
pub(crate) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A template with `{n}` as `n`, counted from 1, and `{pair}` as 1, 1, 2, 2, 3, 3 ...
///
/// # Errors
/// Other braces: what stands in them.
pub(crate) fn expand(template: &str, n: u32) -> Result<String, String> {
    let mut out = String::with_capacity(template.len() + 8);
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        out.push_str(&rest[..open]);
        let close = rest[open..].find('}').map(|c| open + c);
        match close.map(|c| &rest[open..=c]) {
            Some("{n}") => out.push_str(&n.to_string()),
            Some("{pair}") => out.push_str(&n.div_ceil(2).to_string()),
            other => return Err(other.unwrap_or(&rest[open..]).to_owned()),
        }
        rest = &rest[close.map_or(rest.len(), |c| c + 1)..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether `name` is meant by `pattern`: the name itself, or a prefix of it that ends in `*`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |prefix| name.starts_with(prefix))
}

/// Names as a help line: the one nearest in spelling to `wrong` first, and not more than a line holds.
pub(crate) fn listed<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let mut by_distance: Vec<(usize, &str)> = names.into_iter().map(|name| (distance(wrong, name), name)).collect();
    by_distance.sort_by_key(|(d, _)| *d);
    let shown: Vec<String> = by_distance.iter().take(MOST).map(|(_, name)| format!("`{name}`")).collect();
    match by_distance.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The name that was perhaps meant, if one is near: a few letters off, or begun with what was written.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (d, name) = names.into_iter().map(|name| (distance(wrong, name), name)).min_by_key(|(d, _)| *d)?;
    let begun = wrong.len() >= 3 && name.starts_with(wrong);
    (begun || d <= wrong.chars().count().max(3) / 2).then_some(name)
}

/// The help for a name that is not there.
pub fn help_for<'a>(wrong: &str, what: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let all = listed(wrong, names.clone());
    if all.is_empty() {
        return format!("there are no {what}");
    }
    let meant = nearest(wrong, names).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    format!("{meant}the {what} are: {all}")
}

/// How many letters must be put in, taken out or changed (Levenshtein), of the first 64 of each.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_count_1_1_2_2_3() {
        let groups: Vec<String> = (1..=5).map(|n| expand("org-{pair}", n).unwrap()).collect();
        assert_eq!(groups, ["org-1", "org-1", "org-2", "org-2", "org-3"]);
        assert_eq!(expand("pop-{n}.x", 12).unwrap(), "pop-12.x");
    }

    #[test]
    fn other_braces_are_named() {
        assert_eq!(expand("pop-{m}", 1), Err("{m}".into()));
        assert_eq!(expand("pop-{n", 1), Err("{n".into()));
        assert_eq!(expand("pop-n}", 1), Err("}".into()));
    }

    #[test]
    fn names_are_ascii_words_of_at_most_63() {
        for good in ["a", "rx300-1cpu", "4", "a.b_c"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a b", "a/b", "é", "a\n", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn the_nearest_spelling_comes_first() {
        assert_eq!(listed("rx30", ["blade", "rx300", "rx200"]), "`rx300`, `rx200`, `blade`");
        assert_eq!(nearest("xyz", ["blade"]), None);
    }

    #[test]
    fn a_pattern_is_a_name_or_a_prefix() {
        assert!(matches("web-*", "web-1") && matches("*", "x") && matches("web-1", "web-1"));
        assert!(!matches("web-1", "web-10"));
    }
}
