//! A test that is two processes: it runs itself again, and may kill what it ran.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The variable that tells a test of this file that it is the second process of itself, and where the first one's folder is.
pub const SECOND: &str = "SHUYAKU_TEST_SECOND_PROCESS";

/// A second process. It is killed when dropped.
pub struct Second {
    /// It.
    pub child: Child,
    says: BufReader<ChildStdout>,
}

impl Second {
    /// Runs a test of this file again, as a second process.
    pub fn of(test: &str, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(SECOND, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Self { child, says }
    }

    /// Waits until it says this. What the test harness says before that is passed over.
    pub fn awaits(&mut self, word: &str) {
        let mut line = String::new();
        while !line.trim_end().ends_with(word) {
            line.clear();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it ended without saying `{word}`");
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the second process: says a word to the first.
pub fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{word}").unwrap();
    out.flush().unwrap();
}

/// In the second process: waits to be killed.
pub fn for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}
