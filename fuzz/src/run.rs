//! One target: its texts are read, the time and memory that this takes are recorded, and a text that fails is kept.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{Corpus, Program, Syntax};

/// How long a target is given where nobody says otherwise.
pub const USUAL_TIME: Duration = Duration::from_secs(2);

/// The most processor time that one text of at most 1 MiB may take, s: thousands of times what it should. Not a measure of speed: what
/// passes this grows faster than its input, and would hang on one that is not much larger.
const MOST_CPU_S: f64 = 10.0;

/// The most memory that a process may ever have had that reads such texts, KiB.
const MOST_MEMORY_KIB: u64 = 1 << 20;

/// The longest message about a text, in bytes.
const LONGEST_MESSAGE: usize = 4096;

/// What a reader says to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is one.
    Accepted,
    /// It is none, for this reason.
    Refused(String),
}

/// A target: a reader, and the texts that it is held against.
pub struct Target<R> {
    name: &'static str,
    syntax: Syntax,
    corpus: Corpus,
    mend: fn(&[u8]) -> Vec<u8>,
    read: R,
    record: Mutex<Record>,
}

impl<R: Fn(&[u8]) -> Answer> Target<R> {
    /// The target of this name, with its corpus.
    ///
    /// `read` asserts whatever must be so of a text. `mend` makes what the format promises of itself (a hash) true again after mutations.
    pub fn new(name: &'static str, syntax: Syntax, mend: fn(&[u8]) -> Vec<u8>, read: R) -> Self {
        Self { name, syntax, corpus: Corpus::of(name, syntax), mend, read, record: Mutex::default() }
    }

    /// Reads the text that a program makes.
    ///
    /// # Panics
    /// It fails: it is kept, and where is said.
    pub fn run(&self, program: &Program) {
        self.read(&program.run(&self.corpus, self.syntax, self.mend));
    }

    /// Reads every text of the corpus as it is: right ones are accepted, wrong ones refused.
    ///
    /// # Panics
    /// One fails.
    pub fn read_corpus(&self) {
        for seed in &self.corpus.right {
            if let Answer::Refused(why) = self.read(&seed.bytes) {
                panic!("{} should be accepted: {why}", seed.name);
            }
        }
        for seed in self.corpus.wrong.iter().chain(&self.corpus.large) {
            assert_ne!(self.read(&seed.bytes), Answer::Accepted, "{} should be refused", seed.name);
        }
    }

    fn read(&self, text: &[u8]) -> Answer {
        let begun = cpu_s();
        let answer = catch_unwind(AssertUnwindSafe(|| (self.read)(text))).unwrap_or_else(|panic| {
            keep(self.name, text);
            resume_unwind(panic)
        });
        let took = cpu_s() - begun;
        self.record.lock().expect("nothing panics while it is held").note(&answer, took, text);
        if took > MOST_CPU_S {
            keep(self.name, text);
            panic!("a text of {} bytes took {took} s of processor time", text.len());
        }
        answer
    }

    /// Says what was read and what it took.
    ///
    /// # Panics
    /// All was accepted or all refused, which would show nothing; or it took more memory than it may.
    pub fn tell(&self) {
        let record = self.record.lock().expect("nothing panics while it is held");
        let Record { accepted, refused, slowest_cpu_s, slowest_bytes, slowest } = &*record;
        let memory_kib = most_memory_kib();
        println!(
            "{}: {accepted} texts accepted, {refused} refused; the slowest took {:.1} ms of processor time for {slowest_bytes} bytes: {slowest}; \
             at most {} MiB of memory",
            self.name,
            slowest_cpu_s * 1e3,
            memory_kib / 1024
        );
        assert!(*accepted > 0 && *refused > 0);
        assert!(memory_kib < MOST_MEMORY_KIB, "reading took {memory_kib} KiB of memory");
    }
}

/// Whether a message about a text can be shown: it is not as long as the text may be, and tells a terminal nothing.
///
/// # Panics
/// It cannot.
pub fn message_is_fit_to_print(message: &str) {
    assert!(message.len() <= LONGEST_MESSAGE, "a message of {} bytes: {:.200}", message.len(), message);
    let bad = message.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(bad, None, "a control character in: {message:?}");
}

/// What reading took.
#[derive(Default)]
struct Record {
    accepted: u64,
    refused: u64,
    slowest_cpu_s: f64,
    slowest_bytes: usize,
    /// How the slowest text begins.
    slowest: String,
}

impl Record {
    fn note(&mut self, answer: &Answer, took_cpu_s: f64, text: &[u8]) {
        match answer {
            Answer::Accepted => self.accepted += 1,
            Answer::Refused(_) => self.refused += 1,
        }
        if took_cpu_s > self.slowest_cpu_s {
            let beginning = &text[..text.len().min(60)];
            (self.slowest_cpu_s, self.slowest_bytes) = (took_cpu_s, text.len());
            self.slowest = format!("{:?}", String::from_utf8_lossy(beginning));
        }
    }
}

/// Processor time of this thread.
fn cpu_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    #[allow(clippy::cast_precision_loss, reason = "seconds of a test")]
    let s = now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9;
    s
}

/// The most memory that this process has had.
fn most_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says so of every process");
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("Linux says so of every process");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

/// Keeps a text that failed.
fn keep(target: &str, text: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz").join(target);
    let file = folder.join(&models::digest::of_bytes(text)[..16]);
    match std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, text)) {
        Ok(()) => eprintln!("the text that failed is kept in {}", file.display()),
        Err(e) => eprintln!("the text that failed could not be kept in {}: {e}", file.display()),
    }
}
