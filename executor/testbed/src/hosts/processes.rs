//! The processes of hosts as the kernel tells of them: evidence that does not come from libvirt.
//!
//! No process ids are kept in files: a process is found again by its words and its namespace, so none is ever taken for another.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number, as we see it.
    pub pid: i32,
    /// Its command line.
    pub words: Vec<String>,
}

impl Process {
    /// What stands between `option` and the next comma, in the word after it: `value_of("-name", "guest=")`.
    pub(super) fn value_of(&self, option: &str, key: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == option)?;
        self.words.get(at + 1)?.split(',').find_map(|part| part.strip_prefix(key))
    }

    /// The file name of its program, as it was called.
    pub(super) fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
    }

    /// The namespace of processes that it lives in; nothing once it has ended.
    pub(super) fn namespace(&self) -> Option<String> {
        fs::read_link(format!("/proc/{}/ns/pid", self.pid)).ok().map(|link| link.to_string_lossy().into_owned())
    }

    /// Whether it is the first process of its namespace.
    pub(super) fn is_first(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("NSpid:")).and_then(|pids| pids.split_whitespace().next_back()) == Some("1")
    }

    /// Sends it a signal; one that has ended by then is no error.
    pub(super) fn signal(&self, signal: Signal) -> std::io::Result<()> {
        match Pid::from_raw(self.pid).map(|pid| kill_process(pid, signal)) {
            None | Some(Ok(()) | Err(rustix::io::Errno::SRCH)) => Ok(()),
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// Whether it is still there; one that has ended and that nobody has asked about is not.
    pub(super) fn lives(&self) -> bool {
        words_of(self.pid).is_some_and(|words| words == self.words)
    }
}

/// All processes that live.
pub(super) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some(Process { pid, words: words_of(pid)? })).collect()
}

/// All processes that live and that name something in the folder on their command line. A daemon, a guest and the first process of a host
/// do.
#[must_use]
pub fn processes_of(root: &Path) -> Vec<Process> {
    let root = root.to_string_lossy();
    // The folder itself or what is in it, not another one whose name only begins the same.
    let names = |word: &str| {
        word.match_indices(&*root).any(|(at, name)| !word[at + name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '-'))
    };
    all().into_iter().filter(|process| process.words.iter().any(|word| names(word))).collect()
}

/// The command line of a process; nothing where it has ended, or is the kernel's.
fn words_of(pid: i32) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let words = text.strip_suffix('\0').unwrap_or(&text);
    (!words.is_empty()).then(|| words.split('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_value_of_an_option_is_read_from_the_word_after_it() {
        let words = ["/usr/bin/qemu-system-x86_64", "-name", "guest=g1,debug-threads=on", "-uuid", "6e57"].map(str::to_owned).to_vec();
        let process = Process { pid: 1, words };
        assert_eq!(process.value_of("-name", "guest="), Some("g1"));
        assert_eq!(process.value_of("-uuid", ""), Some("6e57"));
        assert_eq!(process.value_of("-name", "process="), None);
        assert_eq!(process.program(), "qemu-system-x86_64");
    }

    #[test]
    fn a_process_is_found_by_the_folder_that_it_names_until_it_has_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "echo up; read line; exit 0";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script, "sh", &format!("{}/h1", folder.path().display())])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        // Until the shell runs it has no command line.
        child.stdout.take().expect("its output").read_exact(&mut [0; 3]).expect("it runs");
        let pid = i32::try_from(child.id()).expect("a pid");
        let found: Vec<i32> = processes_of(folder.path()).iter().map(|process| process.pid).collect();
        assert_eq!(found, [pid]);
        drop(child.stdin.take());
        child.wait().expect("it ends");
        assert_eq!(processes_of(folder.path()), []);
    }
}
