//! A scripted model provider for tests: the real wire formats, every request checked.
