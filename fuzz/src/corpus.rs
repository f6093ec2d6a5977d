//! The texts that inputs are made from: those of the repository, and ones too large to keep that are made here.

use std::collections::BTreeSet;
use std::path::Path;

/// A text to begin with.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Its file or what it is.
    pub name: String,
    /// The text; not always UTF-8.
    pub bytes: Vec<u8>,
}

/// What a target's texts are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JSON, or JSON line by line.
    Json,
    /// TOML.
    Toml,
    /// XML.
    Xml,
}

/// All texts of a target, and the words that stand in them.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// Texts that are accepted.
    pub right: Vec<Seed>,
    /// Texts of ordinary size that are refused, each for a reason of its own.
    pub wrong: Vec<Seed>,
    /// Texts of up to [`crate::MOST_BYTES`] that are refused, likewise.
    pub large: Vec<Seed>,
    /// Words to put in: those of the texts of ordinary size, and ones that readers stumble over.
    pub words: Vec<Vec<u8>>,
}

impl Corpus {
    /// The corpus of a target: `corpus/TARGET/right` and `corpus/TARGET/wrong`.
    ///
    /// # Panics
    /// Where a folder is not there or has no files: they belong to the repository.
    #[must_use]
    pub fn of(target: &str, syntax: Syntax) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let read = |kind: &str| {
            let folder = folder.join(kind);
            let mut files: Vec<_> = std::fs::read_dir(&folder)
                .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
                .map(|entry| entry.expect("an entry of the corpus").path())
                .collect();
            files.sort();
            assert!(!files.is_empty(), "{} has no files", folder.display());
            files
                .into_iter()
                .map(|file| Seed {
                    bytes: std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display())),
                    name: file.display().to_string(),
                })
                .collect::<Vec<_>>()
        };
        let (right, wrong) = (read("right"), read("wrong"));
        let large = syntax.large().into_iter().map(|(name, bytes)| Seed { name: name.into(), bytes }).collect();
        Self { words: words(right.iter().chain(&wrong), syntax), right, wrong, large }
    }
}

/// What readers of numbers and of text stumble over.
const STUMBLES: [&[u8]; 33] = [
    b"0",
    b"-0",
    b"-1",
    b"0.0",
    b"1e308",
    b"1e309",
    b"-1e-400",
    b"1e99999999999",
    b"2147483648",
    b"4294967295",
    b"4294967296",
    b"9007199254740993",
    b"9223372036854775808",
    b"18446744073709551615",
    b"18446744073709551616",
    b"340282366920938463463374607431768211456",
    b"0.1000000000000000055511151231257827021181583404541015625",
    b"NaN",
    b"inf",
    b"null",
    b"true",
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"\x1b[2J",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    "\u{feff}".as_bytes(),
    "\u{202e}".as_bytes(),
    "é".as_bytes(),
];

impl Syntax {
    /// The signs that give a text its form.
    const fn signs(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["{", "}", "[", "]", ":", ",", "\"", "\\", "\\u0000", "\\ud800", "\\n", "{}", "[]", "\"\"", "},{", "[[", "]]"],
            Self::Toml => {
                &["[", "]", "[[", "]]", "=", ".", "\"", "'", "\"\"\"", "'''", "#", "{", "}", ",", "\\", "\\u0000", "1979-05-27", "0x"]
            }
            Self::Xml => &[
                "<",
                ">",
                "/>",
                "</",
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "<?",
                "?>",
                "<!DOCTYPE d [",
                "<!ENTITY a \"b\">",
                "]>",
                "&amp;",
                "&lt;",
                "&a;",
                "&#0;",
                "&#x10ffff;",
                "&#xffffffffff;",
                "&",
                ";",
                "=",
                "\"",
                "'",
                "xmlns:q=\"u\"",
                "q:",
            ],
        }
    }

    /// What a text opens and closes when it goes one level deeper.
    pub(crate) const fn nests(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Json => &[("[", "]"), ("{\"a\":", "}"), ("[{\"do\":", "}]"), ("[", ""), ("{", "")],
            Self::Toml => &[("[", "]"), ("{a=", "}"), ("a.", ""), ("[[a.", "]]"), ("(", ")")],
            Self::Xml => &[("<a>", "</a>"), ("<domain>", "</domain>"), ("<a b='", "'/>"), ("<", ""), ("<a>", "")],
        }
    }

    /// Texts of up to 1 MiB that are bad in one way each.
    fn large(self) -> Vec<(&'static str, Vec<u8>)> {
        let all = |n: usize, f: &dyn Fn(usize) -> String| (0..n).map(f).collect::<String>();
        let deep = |open: &str, close: &str| {
            let n = crate::MOST_BYTES / (open.len() + close.len());
            format!("{}{}", open.repeat(n), close.repeat(n))
        };
        let mut texts = vec![
            ("a line of a MiB", "x".repeat(crate::MOST_BYTES)),
            ("a number of a MiB", "9".repeat(crate::MOST_BYTES)),
            ("a MiB of zeros", "\0".repeat(crate::MOST_BYTES)),
            ("a MiB of line feeds", "\n".repeat(crate::MOST_BYTES)),
        ];
        texts.extend(match self {
            Self::Json => vec![
                ("arrays without end", "[".repeat(crate::MOST_BYTES)),
                ("deep arrays", deep("[", "]")),
                ("deep objects", deep("{\"a\":", "}")),
                ("deep under a key", format!("{{\"version\":{}}}", "[".repeat(500_000))),
                ("a hundred thousand keys", format!("{{{}\"z\":0}}", all(100_000, &|i| format!("\"{i}\":0,")))),
                ("one key a hundred thousand times", format!("{{{}\"version\":1}}", "\"tool\":0,".repeat(100_000))),
                ("a text of a MiB", format!("\"{}\"", "a".repeat(crate::MOST_BYTES - 2))),
                ("a key of a MiB", format!("{{\"{}\":1}}", "\\u001b".repeat(170_000))),
                ("a number with a million digits", format!("{{\"version\":{}}}", "1".repeat(1_000_000))),
                ("an exponent with a million digits", format!("{{\"version\":1e{}}}", "1".repeat(1_000_000))),
            ],
            Self::Toml => vec![
                ("deep arrays", format!("a = {}", deep("[", "]").get(..crate::MOST_BYTES - 8).unwrap_or_default())),
                ("deep tables", format!("a = {}", "{a=".repeat(300_000))),
                ("a dotted key without end", format!("{}a = 1", "a.".repeat(500_000))),
                ("a dotted table without end", format!("[{}a]", "a.".repeat(500_000))),
                ("tables that are deeper each time", all(1_400, &|i| format!("[{}b]\n", "a.".repeat(i / 2)))),
                ("a hundred thousand keys", all(90_000, &|i| format!("k{i} = 0\n"))),
                ("one key a hundred thousand times", "site = 1\n".repeat(100_000)),
                ("a hundred thousand tables", all(60_000, &|i| format!("[host.{i}]\n"))),
                ("a hundred thousand tables in an array", "[[a]]\n".repeat(100_000)),
                ("a text without an end", format!("a = \"\"\"{}", "x\n".repeat(500_000))),
            ],
            Self::Xml => vec![
                ("deep elements", deep("<a>", "</a>")),
                ("elements without end", "<a>".repeat(300_000)),
                ("attributes without end", format!("<domain{}/>", all(70_000, &|i| format!(" a{i}='{i}'")))),
                ("one attribute a hundred thousand times", format!("<domain{}/>", " a=''".repeat(100_000))),
                ("namespaces without end", format!("<domain{}/>", all(50_000, &|i| format!(" xmlns:n{i}='u'")))),
                (
                    "entities of entities",
                    format!(
                        "<!DOCTYPE d [<!ENTITY e0 \"lol\">{}]><domain><name>&e99;</name></domain>",
                        (1..100).map(|i| format!("<!ENTITY e{i} \"{}\">", format!("&e{};", i - 1).repeat(10))).collect::<String>()
                    ),
                ),
                ("a comment without an end", format!("<domain><!--{}", "-".repeat(1_000_000))),
                ("a name of a MiB", format!("<{}/>", "a".repeat(1_000_000))),
                ("a text of a MiB", format!("<domain><name>{}</name></domain>", "&amp;".repeat(200_000))),
            ],
        });
        texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
    }
}

/// The words of some texts, the signs of their syntax, and what readers stumble over; each once.
fn words<'a>(seeds: impl Iterator<Item = &'a Seed>, syntax: Syntax) -> Vec<Vec<u8>> {
    let in_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let of_seeds = seeds.flat_map(|s| s.bytes.split(|b| !in_word(b))).filter(|w| (1..=40).contains(&w.len()));
    let all: BTreeSet<&[u8]> = of_seeds.chain(STUMBLES).chain(syntax.signs().iter().map(|s| s.as_bytes())).collect();
    all.into_iter().map(<[u8]>::to_vec).collect()
}
