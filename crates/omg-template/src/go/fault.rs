//! Why a template was not rendered.

use crate::Refused;

#[derive(Debug)]
pub(super) enum Fault {
    /// The template is no Go template, or does what Go refuses too.
    Failed {
        reason: String,
        line: usize,
    },
    TooMuchWork,
}

impl Fault {
    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self::Failed {
            reason: reason.into(),
            line,
        }
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed { reason, line } => Self::Failed(format!("{reason} (line {line})")),
            Fault::TooMuchWork => Self::TooMuchWork,
        }
    }
}
