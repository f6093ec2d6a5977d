//! The one place that prints what went wrong: with file, line, key and value, for people or as JSON; exit code 2.

use std::path::PathBuf;
use std::process::ExitCode;

use executor::lock::NotLocked;
use miette::{Diagnostic, GraphicalReportHandler, JSONReportHandler, LabeledSpan, NamedSource, Severity, SourceCode};
use models::message;
use models::plan::NotAPlan;

/// A question that could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A scenario file that cannot be used.
    #[error(transparent)]
    Scenario(#[from] scenarios::Error),
    /// A file that could not be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// `read`, `write` ...
        doing: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is not the plan it should be.
    #[error("{}: {source}", path.display())]
    Plan {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: NotAPlan,
    },
    /// A file that is not the measures it should be.
    #[error("{}: {why}", path.display())]
    Measures {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// An inventory that cannot be used.
    #[error(transparent)]
    Inventory(#[from] executor::inventory::NotAnInventory),
    /// A journal that cannot be made or read.
    #[error(transparent)]
    Journal(#[from] executor::journal::NotOpened),
    /// The site's lock, which was not got.
    #[error(transparent)]
    Lock(#[from] executor::lock::NotLocked),
    /// A plan whose names are not those of the inventory.
    #[error(transparent)]
    Names(#[from] executor::names::NotOurName),
    /// A run that may not begin: an answer, with exit code 1.
    #[error("{0}")]
    Refused(String),
    /// The program was built without libvirt: how to build with it.
    #[error("{0}")]
    NoLibvirt(String),
    /// Words on the command line, or files, that do not go together.
    #[error("{0}")]
    Usage(String),
    /// A fault of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

/// A failure as a diagnostic: a place in a file where there is one.
#[derive(Debug)]
struct Shown<'a> {
    failure: &'a Failure,
    source: Option<NamedSource<String>>,
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.failure {
            Failure::Scenario(e) => {
                // The help has its own line in a diagnostic.
                let text = e.to_string();
                f.write_str(&message::lines(text.lines().next().unwrap_or(&text)))
            }
            other => f.write_str(&message::lines(&other.to_string())),
        }
    }
}
impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        let code = match self.failure {
            Failure::Scenario(_) => "scenario",
            Failure::Io { .. } => "file",
            Failure::Plan { .. } => "plan",
            Failure::Measures { .. } => "measures",
            Failure::Inventory(_) => "inventory",
            Failure::Journal(_) => "journal",
            Failure::Lock(_) => "lock",
            Failure::Names(_) => "names",
            Failure::Refused(_) => "refused",
            Failure::NoLibvirt(_) => "no-libvirt",
            Failure::Usage(_) => "usage",
            Failure::Internal(_) => "internal",
        };
        Some(Box::new(code))
    }
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }
    fn help<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        match self.failure {
            Failure::Scenario(e) => e.help.clone().map(|h| Box::new(h) as Box<dyn std::fmt::Display>),
            _ => None,
        }
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Failure::Scenario(e) = self.failure else { return None };
        let span = e.span.clone().filter(|_| self.source.is_some())?;
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".into()), span.start, span.len().max(1)))))
    }
}

/// Prints a failure to stderr.
pub fn report(failure: &Failure, json: bool) -> ExitCode {
    let source = match failure {
        Failure::Scenario(e) => {
            e.text.as_ref().map(|text| NamedSource::new(e.file.display().to_string(), text.to_string()).with_language("toml"))
        }
        _ => None,
    };
    let shown = Shown { failure, source };
    let mut text = String::new();
    let done = if json { JSONReportHandler::new().render_report(&mut text, &shown) } else { handler().render_report(&mut text, &shown) };
    match done {
        Ok(()) => eprintln!("{}", text.trim_end()),
        Err(_) => eprintln!("{failure}"),
    }
    ExitCode::from(match failure {
        Failure::Internal(_) => 70,
        // Nothing is wrong with what was asked: another run is at work.
        Failure::Lock(NotLocked::Held { .. }) => 1,
        _ => 2,
    })
}

/// Colours and lines on a terminal only.
fn handler() -> GraphicalReportHandler {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) {
        GraphicalReportHandler::new()
    } else {
        GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
    }
}
