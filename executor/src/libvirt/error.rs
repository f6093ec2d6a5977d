//! What an error of libvirt means for a call: decided by its code and by whether our connection lives, never by its text.

use virt::error::{Error, ErrorNumber};

use crate::host::CallError;

/// What an error means. `alive`: every connection of ours that the call went over still stands; an error on one that does not says
/// nothing of what the host did. A connection that broke between two hosts is the source's to report, over one of ours that lives.
pub(super) fn meaning(error: &Error, alive: bool) -> CallError {
    let said = said(error);
    if !alive {
        return CallError::Lost(said);
    }
    match error.code().known() {
        Some(ErrorNumber::NoDomain) => CallError::NoGuest(said),
        Some(ErrorNumber::OperationInvalid) => CallError::State(said),
        Some(ErrorNumber::MigrateUnsafe) => CallError::Unsafe(said),
        Some(ErrorNumber::OperationAborted) => CallError::Aborted(said),
        Some(
            ErrorNumber::NoSupport | ErrorNumber::ConfigUnsupported | ErrorNumber::ArgumentUnsupported | ErrorNumber::OperationUnsupported,
        ) => CallError::Unsupported(said),
        _ => CallError::Refused(said),
    }
}

/// Whether an error says that a flag of the call is not known: by an old daemon, or by a hypervisor for which it has no sense.
pub(super) fn is_of_a_flag(error: &Error) -> bool {
    matches!(error.code().known(), Some(ErrorNumber::InvalidArg | ErrorNumber::NoSupport | ErrorNumber::ArgumentUnsupported))
}

/// The longest text of an error that is passed on, in characters: QEMU's own last words are in some.
const LONGEST: usize = 1000;

/// The error's text, code and origin. The text comes from a host: it is made one line that tells a terminal nothing.
pub(super) fn said(error: &Error) -> String {
    format!("{} (libvirt: error {} of {})", one_line(error.message()), error.code().to_raw(), error.domain())
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    models::message::shown(&lines.join("; "), LONGEST)
}

/// The same error where the call only read, or broke before it asked for anything: nothing can have changed.
pub(super) fn nothing_asked(error: CallError) -> CallError {
    match error {
        CallError::Lost(why) => CallError::Unreachable(why),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_is_one_line_that_tells_a_terminal_nothing() {
        assert_eq!(one_line("process exited:\n  qemu: \u{1b}[2Jno\u{9b}\n\n"), "process exited:; qemu: \u{fffd}[2Jno\u{fffd}");
        assert_eq!(one_line(&"x".repeat(5000)).chars().count(), LONGEST + 3);
    }
}
