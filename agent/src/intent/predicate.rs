//! Whether a grant covers a resource. Pure.

use super::check::expand_home;
use crate::tools::{Resource, ResourceKind};

/// Whether one granted value covers a resource of a kind.
///
/// Hosts: `example.org` covers its ports 80 and 443, `example.org:8080` just that port,
/// `*.example.org` its subdomains (ports 80 and 443). Recipients: an address (its domain in any
/// case), or `@domain` for exactly that domain. Folders: the folder and all below it. Others: equal.
pub fn covers(kind: ResourceKind, granted: &str, value: &str) -> bool {
    if granted == "*" {
        return true;
    }
    match kind {
        ResourceKind::Hosts => covers_host(granted, value),
        ResourceKind::Recipients => covers_recipient(granted, value),
        ResourceKind::Folders => expand_home(granted).is_some_and(|folder| {
            !value.split('/').any(|part| part == "..")
                && value
                    .strip_prefix(&folder)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || folder == "/")
        }),
        ResourceKind::Connections | ResourceKind::Calendars => granted == value,
    }
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty()
                && port.bytes().all(|b| b.is_ascii_digit())
                && !name.ends_with(':') =>
        {
            (name, Some(port))
        }
        _ => (host, None),
    }
}

fn covers_host(granted: &str, value: &str) -> bool {
    let (name, port) = split_port(granted);
    let (host, asked) = split_port(value);
    let port_ok = match port {
        Some(port) => asked == Some(port),
        None => matches!(asked, None | Some("80" | "443")),
    };
    let name_ok = match name.strip_prefix("*.") {
        Some(parent) => host.len().checked_sub(parent.len() + 1).is_some_and(|at| {
            host.is_char_boundary(at)
                && host[at..].starts_with('.')
                && host[at + 1..].eq_ignore_ascii_case(parent)
                && at > 0
        }),
        None => name.eq_ignore_ascii_case(host),
    };
    port_ok && name_ok
}

fn covers_recipient(granted: &str, value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else {
        return false;
    };
    match granted.rsplit_once('@') {
        Some(("", granted_domain)) => {
            !local.is_empty() && granted_domain.eq_ignore_ascii_case(domain)
        }
        Some((granted_local, granted_domain)) => {
            granted_local == local && granted_domain.eq_ignore_ascii_case(domain)
        }
        None => false,
    }
}

/// Whether any of the granted values covers a resource.
pub fn covered(granted: &[String], resource: &Resource) -> bool {
    granted
        .iter()
        .any(|value| covers(resource.kind, value, &resource.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceKind::*;

    #[test]
    fn grants_cover_what_they_say_and_no_more() {
        let table = [
            (Hosts, "example.org", "example.org:443", true),
            (Hosts, "example.org", "EXAMPLE.org:80", true),
            (Hosts, "example.org", "example.org:8080", false),
            (Hosts, "example.org:8080", "example.org:8080", true),
            (Hosts, "example.org:8080", "example.org:443", false),
            (Hosts, "example.org", "evil-example.org:443", false),
            (Hosts, "example.org", "example.org.evil.net:443", false),
            (Hosts, "*.example.org", "a.example.org:443", true),
            (Hosts, "*.example.org", "example.org:443", false),
            (Hosts, "*.example.org", "evilexample.org:443", false),
            (Hosts, "*", "anything:1", true),
            (Recipients, "me@example.org", "me@EXAMPLE.org", true),
            (Recipients, "me@example.org", "you@example.org", false),
            (Recipients, "@example.org", "you@example.org", true),
            (Recipients, "@example.org", "you@sub.example.org", false),
            (Recipients, "@example.org", "@example.org", false),
            (
                Recipients,
                "me@example.org",
                "me@example.org@evil.net",
                false,
            ),
            (Folders, "/a/b", "/a/b", true),
            (Folders, "/a/b", "/a/b/c", true),
            (Folders, "/a/b", "/a/bc", false),
            (Folders, "/a/b", "/a/b/../c", false),
            (Connections, "mail", "mail", true),
            (Connections, "mail", "Mail", false),
        ];
        for (kind, granted, value, expected) in table {
            assert_eq!(
                covers(kind, granted, value),
                expected,
                "{granted} covers {value}"
            );
        }
    }
}
