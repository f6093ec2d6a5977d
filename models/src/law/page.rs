//! The page of each law, taken from its file's own head: what a report and `shuyaku laws` show is what the code says.

/// The page of a law.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Page {
    /// The name of its file under `law`, without the ending: `ups`, `queueing/single`.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub title: String,
    /// The formula.
    pub formula: String,
    /// Where it holds, and what is left out.
    pub range: String,
    /// Who published it.
    pub source: String,
    /// How far off it was, and against what.
    pub error: String,
}

/// Files under `law`: each is a law, in order of name.
macro_rules! files {
    ($($name:literal)*) => {
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!($name, ".rs")))),*];
    };
}
files! {
    "apparent"
    "availability"
    "bag_of_tasks"
    "battery"
    "branch"
    "cache"
    "cost"
    "crest"
    "deployment"
    "driver_domain"
    "failure_rate"
    "horizon"
    "inrush"
    "install"
    "interference/latency"
    "interference/share"
    "interference/two_class"
    "least_squares"
    "left_out"
    "lockup"
    "login"
    "memory_mix"
    "migration"
    "network_cap"
    "percentile"
    "power"
    "queueing/bursty"
    "queueing/network"
    "queueing/sharing"
    "queueing/single"
    "queueing/varying"
    "restart"
    "share"
    "shared_migration"
    "supply"
    "switching"
    "transfer"
    "ups"
}

/// Every law, in order of name.
#[must_use]
pub fn all() -> Vec<Page> {
    FILES.iter().map(|(name, text)| of(name, text)).collect()
}

/// The law of this name.
#[must_use]
pub fn named(name: &str) -> Option<Page> {
    FILES.iter().find(|(n, _)| *n == name).map(|(name, text)| of(name, text))
}

/// Reads the head of a file. Lines of a paragraph are joined; links become their words.
fn of(name: &'static str, text: &str) -> Page {
    let mut page =
        Page { name, title: String::new(), formula: String::new(), range: String::new(), source: String::new(), error: String::new() };
    let mut part = &mut page.title;
    for line in text.lines().map_while(|l| l.strip_prefix("//!")).map(str::trim) {
        match line {
            "# Formula" => part = &mut page.formula,
            "# Range" => part = &mut page.range,
            "# Source" => part = &mut page.source,
            "# Error" => part = &mut page.error,
            "" => {}
            _ => {
                if !part.is_empty() {
                    part.push(' ');
                }
                part.push_str(&plain(line).replace("super::", ""));
            }
        }
    }
    page
}

/// The line without the marks of a link: ``[`Nanos`](crate::quantity::Nanos)`` is `Nanos`.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((word, tail)) = after.split_once("`]") else { break };
        out.push_str(before);
        out.push_str(word);
        rest = match tail.strip_prefix('(').and_then(|t| t.split_once(')')) {
            Some((_, tail)) => tail,
            None => tail,
        };
    }
    out.push_str(rest);
    out.replace(['`', '*'], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Files under `law` that are no law by themselves.
    const NO_LAW: [&str; 3] = ["mod", "page", "queueing/mod"];

    fn found(folder: &Path, prefix: &str, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let stem = format!("{prefix}{}", entry.path().file_stem().unwrap().to_str().unwrap());
            if entry.path().is_dir() { found(&entry.path(), &format!("{stem}/"), into) } else { into.push(stem) }
        }
    }

    #[test]
    fn every_file_of_a_law_has_its_page() {
        let mut files = Vec::new();
        found(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/law"), "", &mut files);
        files.retain(|f| !NO_LAW.contains(&f.as_str()) && !f.ends_with("/mod"));
        files.sort();
        let pages: Vec<&str> = all().iter().map(|p| p.name).collect();
        assert_eq!(pages, files);
    }

    #[test]
    fn every_page_says_formula_range_source_and_error() {
        for p in all() {
            for (what, text) in
                [("title", &p.title), ("formula", &p.formula), ("range", &p.range), ("source", &p.source), ("error", &p.error)]
            {
                assert!(text.len() >= 4, "{} has no {what}", p.name);
            }
            assert!(p.title.ends_with('.'), "{}: {}", p.name, p.title);
        }
    }

    #[test]
    fn links_become_words() {
        assert_eq!(plain("by [`Nanos`](crate::quantity::Nanos) or [`Estimate`], *not* `x`"), "by Nanos or Estimate, not x");
    }
}
