//! Numbers that hold for all tools.

/// The longest effect key that a script may pass, in characters.
pub const ONCE: usize = 300;

/// The longest title of an output, in characters.
pub const TITLE: usize = 200;
