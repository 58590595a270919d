//! How the certificate authority was got on with, for health and metrics.

/// How orders went since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Certificates that were ordered and taken into use.
    pub(crate) taken: u64,
    /// Orders that failed.
    pub(crate) failed: u64,
    /// Why the last order failed; nothing once one went through.
    pub(crate) error: Option<String>,
}

impl Progress {
    pub(super) fn taken(&mut self) {
        self.taken += 1;
        self.error = None;
    }

    pub(super) fn failed(&mut self, error: String) {
        self.failed += 1;
        self.error = Some(error);
    }
}
