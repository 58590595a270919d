//! Helpers for acceptance tests.
