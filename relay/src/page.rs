//! The web client's page, for browsers that have no other way to it. Read once, at the start, and
//! served from memory.
//!
//! Whoever serves a page could change it: what that means, and the hash by which it is compared with
//! a build of one's own, is in chapter 13.

use crate::error::RelayError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use deputy_link::page::{self, INDEX};
use http_body_util::Full;
use hyper::Response;
use hyper::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use ring::digest::{Context, SHA256};
use std::collections::BTreeMap;
use std::path::Path;

/// More than any page of ours needs: a wrong folder is found out before memory is.
const MAX_BYTES: u64 = 32 << 20;

/// The files of a page, by the paths under which they are served.
pub(crate) struct Page {
    files: BTreeMap<String, Bytes>,
}

impl Page {
    /// Reads a folder.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or has no `index.html`.
    pub(crate) fn read(folder: &Path) -> Result<Self, RelayError> {
        let unusable = |why: String| {
            let folder = folder.display();
            RelayError::Config(format!(
                "cannot serve the page in {folder}: {why}. `cargo xtask web` builds it into ui-web/dist"
            ))
        };
        let mut files = BTreeMap::new();
        let mut left = MAX_BYTES;
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next).map_err(|e| unusable(e.to_string()))? {
                let entry = entry.map_err(|e| unusable(e.to_string()))?;
                let (path, kind) = (entry.path(), entry.file_type());
                // Links may lead anywhere, and a page needs none.
                match kind.map_err(|e| unusable(e.to_string()))? {
                    kind if kind.is_dir() => folders.push(path),
                    kind if kind.is_file() => {
                        let size = entry.metadata().map_or(u64::MAX, |data| data.len());
                        left = left
                            .checked_sub(size)
                            .ok_or_else(|| unusable("it is too large".to_owned()))?;
                        let bytes = std::fs::read(&path).map_err(|e| unusable(e.to_string()))?;
                        if let Ok(name) = path.strip_prefix(folder) {
                            files.insert(format!("/{}", name.display()), bytes.into());
                        }
                    }
                    _ => {}
                }
            }
        }
        if !files.contains_key(INDEX) {
            return Err(unusable("there is no index.html".to_owned()));
        }
        Ok(Self { files })
    }

    /// SHA-256, in base64url, over each file in the order of their paths: path, a zero byte, length
    /// (8 bytes, big-endian), content. `cargo xtask web` prints the same of what it has built.
    pub(crate) fn hash(&self) -> String {
        let mut context = Context::new(&SHA256);
        for (path, bytes) in &self.files {
            context.update(path.as_bytes());
            context.update(&[0]);
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        }
        URL_SAFE_NO_PAD.encode(context.finish())
    }

    /// The file of a path; the page itself for paths of its own, by which it finds its way.
    pub(crate) fn answer(&self, path: &str, asked: &HeaderMap) -> Option<Response<Full<Bytes>>> {
        let accepted = asked.get(ACCEPT_ENCODING).and_then(|e| e.to_str().ok());
        let served = page::serve(path, accepted.unwrap_or_default(), |path| {
            self.files.get(path).cloned()
        })?;
        let mut response = Response::new(Full::new(served.file));
        for (name, value) in served.headers {
            let (name, value) = (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            response.headers_mut().insert(name, value);
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};

    fn page() -> (tempfile::TempDir, Page) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("assets")).unwrap();
        for (name, text) in [
            ("index.html", "<p>"),
            ("assets/a.js", "long"),
            ("assets/a.js.gz", "z"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let page = Page::read(folder.path()).unwrap();
        (folder, page)
    }

    fn asked(encoding: &'static str) -> HeaderMap {
        let mut asked = HeaderMap::new();
        asked.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        asked
    }

    #[test]
    fn files_are_served_with_what_protects_them_and_nothing_else_is() {
        let (folder, page) = page();
        for path in ["/", "/index.html", "/runs/r1"] {
            let answer = page.answer(path, &asked("br")).unwrap();
            for (name, value) in page::protection() {
                assert_eq!(answer.headers().get(name).unwrap(), value);
            }
            assert_eq!(answer.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        }
        let small = page.answer("/assets/a.js", &asked("gzip, br")).unwrap();
        assert_eq!(small.headers()[CONTENT_ENCODING], "gzip");
        let whole = page.answer("/assets/a.js", &HeaderMap::new()).unwrap();
        assert!(!whole.headers().contains_key(CONTENT_ENCODING));
        for path in ["/none.js", "/../Cargo.toml", "/assets/../../etc/passwd.txt"] {
            assert!(page.answer(path, &asked("gzip")).is_none(), "{path}");
        }
        drop(folder);
    }

    #[test]
    fn the_hash_follows_every_byte_and_every_name() {
        let (folder, before) = page();
        assert_eq!(before.hash(), Page::read(folder.path()).unwrap().hash());
        std::fs::write(folder.path().join("assets/a.js"), "lonG").unwrap();
        let changed = Page::read(folder.path()).unwrap();
        assert_ne!(changed.hash(), before.hash());
        let (from, to) = ("assets/a.js", "assets/b.js");
        std::fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
        assert_ne!(Page::read(folder.path()).unwrap().hash(), changed.hash());
    }

    #[test]
    fn a_folder_without_a_page_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = Page::read(folder.path()).err().unwrap().to_string();
        assert!(error.contains("index.html") && error.contains("cargo xtask web"));
        assert!(Page::read(Path::new("/none")).is_err());
    }
}
