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

/// The error's text, code and origin.
pub(super) fn said(error: &Error) -> String {
    format!("{} (libvirt: error {} of {})", error.message(), error.code().to_raw(), error.domain())
}

/// The same error where the call only read, or broke before it asked for anything: nothing can have changed.
pub(super) fn nothing_asked(error: CallError) -> CallError {
    match error {
        CallError::Lost(why) => CallError::Unreachable(why),
        other => other,
    }
}
