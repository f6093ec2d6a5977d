//! Files, whole or not at all: written beside their place under a temporary name, then renamed.

use std::io::Write;
use std::path::{Path, PathBuf};

use models::plan::Plan;
use reports::Run;

use crate::diagnose::Failure;
use crate::scorecard;
use crate::validate::Scorecard;

/// Prints to stdout. A reader that has gone away is no error of ours.
///
/// What came from elsewhere (names of guests, words of a plan) tells a terminal nothing, whatever is in it.
pub fn stdout(text: &str) -> Result<(), Failure> {
    let text = models::message::lines(text);
    let mut out = std::io::stdout().lock();
    let line_end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{line_end}").and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Io { path: "stdout".into(), doing: "write to", source: e }),
        _ => Ok(()),
    }
}

/// Writes `plan.json` (where there is a plan), `measures.json` and `report.html`, and answers what was written.
///
/// Everything is written under temporary names before anything is renamed. Without a plan an old plan.json is removed:
/// it would not belong to the measures beside it.
pub fn run(folder: &Path, run: &Run, plan: Option<&Plan>) -> Result<Vec<PathBuf>, Failure> {
    let page = reports::page(run, plan).map_err(|e| Failure::Internal(e.to_string()))?;
    let mut files = Vec::new();
    if let Some(plan) = plan {
        files.push(("plan.json", plan.to_text()));
    }
    files.push(("measures.json", reports::json::to_text(run)));
    files.push(("report.html", page));
    let written = together(folder, &files)?;
    if plan.is_none() {
        match std::fs::remove_file(folder.join("plan.json")) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(&folder.join("plan.json"), "remove", e)),
            _ => {}
        }
    }
    Ok(written)
}

/// Makes a folder, and finds out whether files can be written into it: before what is to be written has taken its time.
pub fn can_write(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|e| io(folder, "create", e))?;
    tempfile::tempfile_in(folder).map(drop).map_err(|e| io(folder, "write into", e))
}

/// Writes what was observed: the trace, where there is one, then the files that speak of it.
pub fn observed(folder: &Path, trace: Option<String>, files: Vec<(&str, String)>) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    if let Some(csv) = trace {
        let path = Path::new(scenarios::observed::TRACE);
        let (Some(inside), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
            return Err(Failure::Internal(format!("{} is not a file in a folder", path.display())));
        };
        written.extend(together(&folder.join(inside), &[(name, csv)])?);
    }
    written.extend(together(folder, &files)?);
    Ok(written)
}

/// Writes `report.html` alone.
pub fn report(folder: &Path, run: &Run, plan: Option<&Plan>) -> Result<PathBuf, Failure> {
    let page = reports::page(run, plan).map_err(|e| Failure::Internal(e.to_string()))?;
    Ok(together(folder, &[("report.html", page)])?.remove(0))
}

/// Writes `scorecard.md`: into the folder that is asked for, or, where every scenario was held and there is a folder
/// `reports`, into that.
pub fn scorecard(card: &Scorecard, whole: bool, asked: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    let reports = Path::new("reports");
    let folder = match asked {
        Some(folder) => folder,
        None if whole && reports.is_dir() => reports,
        None => return Ok(None),
    };
    Ok(Some(together(folder, &[("scorecard.md", scorecard::markdown(card))])?.remove(0)))
}

fn together(folder: &Path, files: &[(&str, String)]) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).map_err(|e| io(folder, "create", e))?;
    let mut ready = Vec::new();
    for (name, text) in files {
        let mut file = tempfile::Builder::new().prefix(name).suffix(".tmp").tempfile_in(folder).map_err(|e| io(folder, "write into", e))?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|e| io(file.path(), "write", e))?;
        readable(file.as_file()).map_err(|e| io(file.path(), "write", e))?;
        ready.push((file, folder.join(name)));
    }
    ready
        .into_iter()
        .map(|(file, path)| match file.persist(&path) {
            Ok(_) => Ok(path),
            Err(e) => Err(io(&path, "write", e.error)),
        })
        .collect()
}

/// A temporary file is for its owner only; a report is for whoever may read the folder.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}
#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// The files that were written, a line each.
pub fn listing(files: &[PathBuf]) -> String {
    files.iter().map(|f| format!("wrote {}\n", f.display())).collect()
}

fn io(path: &Path, doing: &'static str, source: std::io::Error) -> Failure {
    Failure::Io { path: path.to_owned(), doing, source }
}
