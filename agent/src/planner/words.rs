//! Finds addresses, paths, numbers and quoted text in a sentence. Pure.

/// The `http(s)` addresses in a sentence, in order; bare host names with a path or a known ending
/// count too.
pub(super) fn urls(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split_whitespace() {
        let word = word
            .trim_matches(|c: char| "\"'“”‘’<>(),;!?".contains(c))
            .trim_end_matches(['.', ':']);
        if word.starts_with("http://") || word.starts_with("https://") {
            if url::Url::parse(word).is_ok() {
                found.push(word.to_owned());
            }
        } else if looks_like_host(word) {
            found.push(format!("https://{word}"));
        }
    }
    found
}

fn looks_like_host(word: &str) -> bool {
    let host = word.split('/').next().unwrap_or_default();
    let Some((name, ending)) = host.rsplit_once('.') else {
        return false;
    };
    let known = [
        "com", "org", "net", "de", "io", "dev", "eu", "uk", "fr", "ch", "at", "info", "app", "co",
        "us", "example",
    ];
    !name.is_empty()
        && !word.contains('@')
        && known.contains(&ending)
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
}

/// The words of a text, without the punctuation around them.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "\"'“”„‘’«»<>(),;!?[]{}|`…".contains(c))
        .map(|token| token.trim_end_matches(['.', ':']))
        .filter(|token| !token.is_empty())
}

/// The host that a word names, as contracts write it: with its port where that is not the usual one.
pub(super) fn host(token: &str) -> Option<String> {
    if token.contains("://") {
        let url = url::Url::parse(token).ok()?;
        let host = url.host_str()?.to_owned();
        return Some(match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        });
    }
    if token.contains('@') || token.starts_with(['/', '~']) {
        return None;
    }
    let host = token.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let is_name = (name.contains('.') || name == "localhost")
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'*'));
    (is_name && port.bytes().all(|b| b.is_ascii_digit())).then(|| host.to_ascii_lowercase())
}

/// The mail address or domain (`@example.org`) that a word names.
pub(super) fn recipient(token: &str) -> Option<String> {
    let token = token.strip_prefix("mailto:").unwrap_or(token);
    let (local, domain) = token.rsplit_once('@')?;
    let is_one = !token.contains('/')
        && !local.contains(['@', ':'])
        && domain.contains('.')
        && !domain.contains(':');
    is_one.then(|| token.to_owned())
}

/// The mail addresses in a sentence.
pub(super) fn mails(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| "\"'“”<>(),;!?.".contains(c)))
        .filter(|word| {
            word.parse::<lettre::Address>()
                .is_ok_and(|a| a.domain().contains('.'))
        })
        .map(str::to_owned)
        .collect()
}

/// The absolute paths in a sentence, and those that begin with `~/`.
pub(super) fn paths(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| {
            word.trim_matches(|c: char| "\"'“”(),;!?".contains(c))
                .trim_end_matches('.')
        })
        .filter(|word| (word.starts_with('/') && word.len() > 1) || word.starts_with("~/"))
        .map(str::to_owned)
        .collect()
}

/// What stands in quotation marks.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(char, String)> = None;
    for c in text.chars() {
        match (&mut open, c) {
            (None, '"' | '“' | '‘') => {
                open = Some((
                    if c == '"' {
                        '"'
                    } else if c == '“' {
                        '”'
                    } else {
                        '’'
                    },
                    String::new(),
                ))
            }
            (Some((end, inner)), c) if c == *end => {
                found.push(std::mem::take(inner));
                open = None;
            }
            (Some((_, inner)), c) => inner.push(c),
            (None, _) => {}
        }
    }
    found.retain(|text| !text.trim().is_empty());
    found
}

/// The first number after one of the words, e.g. “below 1,299.99 €”.
pub(super) fn number_after(text: &str, words: &[&str]) -> Option<f64> {
    let lower = text.to_lowercase();
    let mut tokens = lower.split_whitespace().skip_while(|t| !words.contains(t));
    tokens.next()?;
    tokens.take(3).find_map(|token| {
        let digits: String = token
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        digits
            .trim_end_matches('.')
            .parse()
            .ok()
            .filter(|_| token.chars().any(|c| c.is_ascii_digit()))
    })
}

/// What follows one of the phrases, up to a phrase about time or place.
pub(super) fn after<'a>(text: &'a str, phrases: &[&str]) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let (at, phrase) = phrases
        .iter()
        .filter_map(|p| lower.find(p).map(|at| (at, p)))
        .min_by_key(|(at, p)| (*at, std::cmp::Reverse(p.len())))?;
    let rest = &text[at + phrase.len()..];
    let lower_rest = &lower[at + phrase.len()..];
    let end = [
        ", every",
        " every ",
        ", hourly",
        " hourly",
        ", daily",
        " daily",
        " and mail",
        ", mail",
        ", and",
        " tomorrow",
        " in the feed",
        " at http",
        " on http",
        ", check",
    ]
    .iter()
    .filter_map(|stop| lower_rest.find(stop))
    .min()
    .unwrap_or(rest.len());
    Some(rest[..end].trim().trim_end_matches(['.', ',', '!', '?']))
}

/// Splits “rust, tokio or async” into its words.
pub(super) fn alternatives(text: &str) -> Vec<String> {
    let quoted = quoted(text);
    if !quoted.is_empty() {
        return quoted;
    }
    text.replace(" or ", ",")
        .replace(" and ", ",")
        .split(',')
        .map(|word| word.trim().trim_matches(|c| "'.".contains(c)).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_in_sentences_are_found() {
        assert_eq!(
            urls("see https://a.org/x, and b.com."),
            ["https://a.org/x", "https://b.com"]
        );
        assert_eq!(
            urls("at http://127.0.0.1:8000/feed.xml mentions"),
            ["http://127.0.0.1:8000/feed.xml"]
        );
        assert_eq!(mails("send it to me@example.org."), ["me@example.org"]);
        assert_eq!(
            paths("tidy ~/Downloads, and /var/x."),
            ["~/Downloads", "/var/x"]
        );
        assert_eq!(
            number_after("drops below 1,299.99 €", &["below"]),
            Some(1299.99)
        );
        assert_eq!(number_after("under $50", &["under"]), Some(50.0));
        assert_eq!(
            after("mentions rust or tokio, every minute", &["mentions "]),
            Some("rust or tokio")
        );
        assert_eq!(
            alternatives("rust, tokio or async"),
            ["rust", "tokio", "async"]
        );
        assert_eq!(alternatives("“foo bar”"), ["foo bar"]);
    }
}
