//! How the page is served, by an agent on its own machine or by a relay: nothing from elsewhere is
//! loaded or framed, no script but the bundle's runs, and the only ways out are the sessions.

/// With every file. Relays are reached over WebTransport (`https:`) and WebSocket; an agent on this
/// machine over a plain WebSocket of its own.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; manifest-src 'self'; worker-src 'self'; connect-src 'self' https: wss:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];

/// The page itself, in the build's folder.
pub const INDEX: &str = "/index.html";

/// Of what a path is answered with: the file as the page's keeper knows it, and every header.
pub struct Served<F> {
    /// The file.
    pub file: F,
    /// Names and values, in lower case and ASCII.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// What protects the page and whatever is said in its place.
pub fn protection() -> impl Iterator<Item = (&'static str, &'static str)> {
    HEADERS.iter().copied()
}

/// Whether a path is one of the page's own, by which it finds its way, and no file's.
pub fn is_own_path(path: &str) -> bool {
    !path.rsplit('/').next().unwrap_or_default().contains('.')
}

/// What a path is answered with, of the files that `find` knows by their paths: the file, in the
/// smallest form that `accepted`, the request's `Accept-Encoding`, allows; or the page itself for
/// paths of its own. `None` when there is neither.
pub fn serve<F>(path: &str, accepted: &str, find: impl Fn(&str) -> Option<F>) -> Option<Served<F>> {
    let (name, whole) = match find(path) {
        Some(file) => (path, file),
        None if is_own_path(path) => (INDEX, find(INDEX)?),
        None => return None,
    };
    let mut headers: Vec<_> = protection().collect();
    headers.push(("content-type", content_type(name)));
    headers.push(("vary", "accept-encoding"));
    // The names of assets change with their content.
    headers.push(match name.starts_with("/assets/") {
        true => ("cache-control", "public, max-age=31536000, immutable"),
        false => ("cache-control", "no-cache"),
    });
    let compressed = CODINGS
        .iter()
        .filter(|(coding, _)| takes(accepted, coding))
        .find_map(|(coding, ending)| Some((*coding, find(&format!("{name}.{ending}"))?)));
    let file = match compressed {
        Some((coding, file)) => {
            headers.push(("content-encoding", coding));
            file
        }
        None => whole,
    };
    Some(Served { file, headers })
}

/// What the build leaves beside each file that becomes smaller by it, the smallest first: the coding's
/// name in HTTP, and the ending.
const CODINGS: &[(&str, &str)] = &[("br", "br"), ("gzip", "gz")];

/// Whether an `Accept-Encoding` names a coding and does not give it the weight 0 (RFC 9110, 12.5.3).
/// One that only a `*` allows is not used.
fn takes(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().trim_start_matches(['q', 'Q', '=']);
        let is_refused = !weight.is_empty() && weight.chars().all(|sign| matches!(sign, '0' | '.'));
        name.trim().eq_ignore_ascii_case(coding) && !is_refused
    })
}

/// The media type of a file of the page.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "webmanifest" | "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_smallest_form_that_is_taken_is_sent() {
        let files = [
            "/a.js", "/a.js.br", "/a.js.gz", "/b.js", "/b.js.gz", "/c.js",
        ];
        let sent = |path, accepted| {
            let find = |path: &str| files.iter().find(|file| **file == path);
            let served = serve(path, accepted, find).unwrap();
            let coding = served
                .headers
                .iter()
                .find(|(name, _)| *name == "content-encoding");
            (*served.file, coding.map(|(_, coding)| *coding))
        };
        for accepted in ["gzip, deflate, br, zstd", "br", "BR;q=0.2, gzip;q=1"] {
            assert_eq!(
                sent("/a.js", accepted),
                ("/a.js.br", Some("br")),
                "{accepted}"
            );
        }
        for accepted in ["gzip", "br;q=0, gzip", "gzip; q=0.5,br; q=0.000"] {
            assert_eq!(
                sent("/a.js", accepted),
                ("/a.js.gz", Some("gzip")),
                "{accepted}"
            );
        }
        for accepted in ["", "*", "identity", "brotli, xgzip", "gzip;q=0"] {
            assert_eq!(sent("/a.js", accepted), ("/a.js", None), "{accepted}");
        }
        assert_eq!(sent("/b.js", "br, gzip"), ("/b.js.gz", Some("gzip")));
        assert_eq!(sent("/c.js", "br, gzip"), ("/c.js", None));
    }
}
