//! The things a client sees.
