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

/// What a path is answered with, of the files that `find` knows by their paths: the file, compressed
/// where that is taken, or the page itself for paths of its own. `None` when there is neither.
pub fn serve<F>(
    path: &str,
    takes_gzip: bool,
    find: impl Fn(&str) -> Option<F>,
) -> Option<Served<F>> {
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
    // The build has left a compressed one beside each that becomes smaller by it.
    let compressed = takes_gzip.then(|| find(&format!("{name}.gz"))).flatten();
    if compressed.is_some() {
        headers.push(("content-encoding", "gzip"));
    }
    let file = compressed.unwrap_or(whole);
    Some(Served { file, headers })
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
