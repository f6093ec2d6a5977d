//! How an input is made from the corpus.

use bolero::TypeGenerator;

use crate::{Corpus, Syntax};

/// The longest input, bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// What is done to which text. Numbers are taken modulo what there is, so that every program means something.
#[derive(Debug, Clone, TypeGenerator)]
pub struct Program {
    /// What kind of text to begin with: 0 a large one (they cost a hundred times as much), to 63 a wrong one, else a right one.
    pub kind: u8,
    /// Which of its kind.
    pub seed: u16,
    /// What is done, in order.
    #[generator(bolero::produce_with::<Vec<Mutation>>().len(0..6_usize))]
    pub mutations: Vec<Mutation>,
    /// Whether what the format promises of itself (a hash) is made true again, so that the reader gets past it.
    pub mend: bool,
}

/// A change of a text. Places and words are numbers, as in [`Program`].
#[derive(Debug, Clone, TypeGenerator)]
pub enum Mutation {
    /// A bit is turned.
    Flip {
        /// The byte.
        at: u32,
        /// The bit.
        bit: u8,
    },
    /// A byte becomes another.
    Set {
        /// The byte.
        at: u32,
        /// To what.
        byte: u8,
    },
    /// A word is put in.
    Insert {
        /// Where.
        at: u32,
        /// Which.
        word: u16,
    },
    /// A word becomes another.
    Exchange {
        /// Which one of the text.
        nth: u16,
        /// For which one.
        word: u16,
    },
    /// A number becomes another.
    Number {
        /// Which number of the text.
        nth: u16,
        /// For which word that begins with a digit or a sign.
        word: u16,
    },
    /// Bytes are taken out.
    Remove {
        /// From.
        at: u32,
        /// How many.
        len: u8,
    },
    /// All that follows is taken out.
    Cut {
        /// From.
        at: u32,
    },
    /// Bytes stand there again and again.
    Repeat {
        /// From.
        at: u32,
        /// How many bytes.
        len: u8,
        /// How often more: twice as often each time, from once to 2048 times.
        times: u8,
    },
    /// A part of another text is put in.
    Splice {
        /// Where.
        at: u32,
        /// Which text.
        other: u16,
        /// From where.
        from: u32,
        /// How many bytes.
        len: u16,
    },
    /// A line is put elsewhere, or stands there too.
    Line {
        /// Which.
        from: u16,
        /// Before which.
        to: u16,
        /// Whether it stays where it was.
        copy: bool,
    },
    /// A word goes many levels deeper.
    Nest {
        /// Which one of the text.
        nth: u16,
        /// How deep: twice as deep each time, from one level to 4096.
        depth: u8,
        /// How one level is opened and closed.
        how: u8,
    },
}

impl Program {
    /// The input: at most [`MOST_BYTES`] long.
    ///
    /// # Panics
    /// Where the corpus is empty.
    #[must_use]
    pub fn run(&self, corpus: &Corpus, syntax: Syntax, mend: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let seeds = match self.kind {
            0 => &corpus.large,
            1..64 => &corpus.wrong,
            _ => &corpus.right,
        };
        let mut text = seeds[usize::from(self.seed) % seeds.len()].bytes.clone();
        for mutation in &self.mutations {
            mutation.apply(&mut text, corpus, syntax);
            text.truncate(MOST_BYTES);
        }
        if self.mend {
            text = mend(&text);
            text.truncate(MOST_BYTES);
        }
        text
    }
}

/// The one that is meant of so many; none of none.
fn of(number: impl Into<u64>, all: usize) -> Option<usize> {
    (all > 0).then(|| usize::try_from(number.into() % all as u64).expect("less than a length"))
}

/// Where the words of a text stand that begin with such a byte.
fn places(text: &[u8], begins: fn(u8) -> bool) -> Vec<std::ops::Range<usize>> {
    let in_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+');
    let mut places = Vec::new();
    let mut at = 0;
    for word in text.chunk_by(|a, b| in_word(*a) == in_word(*b)) {
        if in_word(word[0]) && begins(word[0]) {
            places.push(at..at + word.len());
        }
        at += word.len();
    }
    places
}

impl Mutation {
    fn apply(&self, text: &mut Vec<u8>, corpus: &Corpus, syntax: Syntax) {
        // Nothing is done where there is nothing to do it to.
        let _ = self.try_apply(text, corpus, syntax);
    }

    fn try_apply(&self, text: &mut Vec<u8>, corpus: &Corpus, syntax: Syntax) -> Option<()> {
        let number = |b: u8| b.is_ascii_digit() || b == b'-';
        match *self {
            Self::Flip { at, bit } => {
                let at = of(at, text.len())?;
                text[at] ^= 1 << (bit % 8);
            }
            Self::Set { at, byte } => {
                let at = of(at, text.len())?;
                text[at] = byte;
            }
            Self::Insert { at, word } => {
                let at = of(at, text.len() + 1)?;
                text.splice(at..at, corpus.words[of(word, corpus.words.len())?].iter().copied());
            }
            Self::Exchange { nth, word } => {
                let places = places(text, |_| true);
                let place = places[of(nth, places.len())?].clone();
                text.splice(place, corpus.words[of(word, corpus.words.len())?].iter().copied());
            }
            Self::Number { nth, word } => {
                let places = places(text, number);
                let place = places[of(nth, places.len())?].clone();
                let numbers: Vec<&Vec<u8>> = corpus.words.iter().filter(|w| number(w[0])).collect();
                text.splice(place, numbers[of(word, numbers.len())?].iter().copied());
            }
            Self::Remove { at, len } => {
                let at = of(at, text.len())?;
                text.drain(at..text.len().min(at + usize::from(len)));
            }
            Self::Cut { at } => text.truncate(of(at, text.len() + 1)?),
            Self::Repeat { at, len, times } => {
                let at = of(at, text.len())?;
                let part = text[at..text.len().min(at + usize::from(len))].to_vec();
                let times = 1 << (times % 12);
                text.splice(at..at, part.repeat(times));
            }
            Self::Splice { at, other, from, len } => {
                let others = if other % 2 == 0 { &corpus.right } else { &corpus.wrong };
                let other = &others[of(other / 2, others.len())?].bytes;
                let (at, from) = (of(at, text.len() + 1)?, of(from, other.len())?);
                text.splice(at..at, other[from..other.len().min(from + usize::from(len))].iter().copied());
            }
            Self::Line { from, to, copy } => {
                let mut lines: Vec<Vec<u8>> = text.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                let from = of(from, lines.len())?;
                let line = if copy { lines[from].clone() } else { lines.remove(from) };
                lines.insert(of(to, lines.len() + 1)?, line);
                *text = lines.concat();
            }
            Self::Nest { nth, depth, how } => {
                let places = places(text, |_| true);
                let place = places[of(nth, places.len())?].clone();
                let (open, close) = syntax.nests()[of(how, syntax.nests().len())?];
                let word = &text[place.clone()];
                let depth = 1 << (depth % 13);
                let deep = [open.repeat(depth).as_bytes(), word, close.repeat(depth).as_bytes()].concat();
                text.splice(place, deep);
            }
        }
        Some(())
    }
}
