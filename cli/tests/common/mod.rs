//! The program as a process, folders that vanish, and copies of scenarios with changes.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use models::plan::Plan;
use tempfile::TempDir;

/// The root of the workspace, from which a user runs the program.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A scenario of ours.
pub fn scenario(name: &str) -> PathBuf {
    root().join("scenarios").join(name)
}

/// What one run of the program did.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The run, where it ended with this code; else the test fails with all that was said.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// What was printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("stdout is not JSON: {e}\n{}", self.out))
    }
}

/// Runs the program from the root of the workspace, without a terminal.
pub fn shuyaku<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Said {
    let done = Command::new(env!("CARGO_BIN_EXE_shuyaku")).args(args).current_dir(root()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
    Said { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
}

/// `shuyaku plan SCENARIO --out OUT`, with more arguments.
pub fn plan(scenario: &Path, out: &Path, more: &[&str]) -> Said {
    shuyaku([OsStr::new("plan"), scenario.as_os_str(), "--out".as_ref(), out.as_os_str()].into_iter().chain(more.iter().map(OsStr::new)))
}

/// `shuyaku check PLAN --scenario SCENARIO`.
pub fn check(plan: &Path, scenario: &Path) -> Said {
    shuyaku([OsStr::new("check"), plan.as_os_str(), "--scenario".as_ref(), scenario.as_os_str()])
}

/// The three files of a run.
pub const FILES: [&str; 3] = ["measures.json", "plan.json", "report.html"];

/// What a folder holds, in order of name; nothing where it is not there.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A run of `plan` whose folder lasts as long as the value.
pub struct Planned {
    pub folder: TempDir,
    pub said: Said,
}

impl Planned {
    pub fn of(name: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = plan(&scenario(name), folder.path(), more);
        Self { folder, said }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// A file's bytes as text.
    #[track_caller]
    pub fn text(&self, file: &str) -> String {
        read(&self.path(file))
    }

    #[track_caller]
    pub fn plan(&self) -> Plan {
        Plan::from_text(&self.text("plan.json")).unwrap()
    }

    #[track_caller]
    pub fn measures(&self) -> reports::Run {
        reports::json::from_text(&self.text("measures.json")).unwrap()
    }
}

#[track_caller]
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A copy of a scenario.
pub struct Copy(pub TempDir);

impl Copy {
    pub fn of(name: &str) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        copy_tree(&scenario(name), copy.path());
        copy
    }

    /// A copy whose `from` in site.toml, of which there is one, reads `to`.
    #[track_caller]
    pub fn with(name: &str, changes: &[(&str, &str)]) -> Self {
        let copy = Self::of(name);
        for (from, to) in changes {
            let site = read(&copy.path().join("site.toml"));
            assert_eq!(site.matches(from).count(), 1, "`{from}` is not once in {name}/site.toml");
            copy.write("site.toml", site.replace(from, to).as_bytes());
        }
        copy
    }

    /// A copy whose site.toml is what `change` makes of it.
    pub fn changed(name: &str, change: impl Fn(String) -> String) -> Self {
        let copy = Self::of(name);
        copy.write("site.toml", change(read(&copy.path().join("site.toml"))).as_bytes());
        copy
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &there);
        } else {
            // Written, not copied: a source that is read-only makes no copy that is.
            std::fs::write(there, std::fs::read(&path).unwrap()).unwrap();
        }
    }
}
