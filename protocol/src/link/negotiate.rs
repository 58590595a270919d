//! Finding a version and abilities that both sides have.

use super::refusal::{Refusal, RefusalCode};

/// The newest version that is in both lists.
///
/// # Errors
/// When there is none: a [`Refusal`] that says which side is the older one.
pub fn common_version(ours: &[u32], theirs: &[u32]) -> Result<u32, Refusal> {
    if let Some(version) = ours.iter().filter(|v| theirs.contains(v)).max() {
        return Ok(*version);
    }
    let newest = |versions: &[u32]| versions.iter().max().copied().unwrap_or(0);
    let (message, hint) = if newest(theirs) < newest(ours) {
        (
            "This Deputy is too old for the relay, so nothing was sent.",
            "Update Deputy on this device.",
        )
    } else {
        (
            "The relay is too old for this Deputy, so nothing was sent.",
            "Ask who runs the relay to update it, or use another one.",
        )
    };
    Err(Refusal {
        hint: hint.to_owned(),
        versions: ours.to_vec(),
        ..Refusal::because(RefusalCode::Version, message)
    })
}

/// The abilities that are in both lists, in the order of `ours`.
pub fn common_features(ours: &[&str], theirs: &[String]) -> Vec<String> {
    ours.iter()
        .filter(|name| theirs.iter().any(|t| t == *name))
        .map(|name| (*name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_newest_common_version_wins() {
        assert_eq!(common_version(&[3, 2, 1], &[1, 2]), Ok(2));
    }

    #[test]
    fn the_older_side_is_named() {
        let refused = common_version(&[2], &[1]).unwrap_err();
        assert_eq!(refused.versions, [2]);
        assert!(refused.message.contains("This Deputy is too old"));
        let refused = common_version(&[1], &[2, 3]).unwrap_err();
        assert!(refused.message.contains("The relay is too old"));
        assert!(common_version(&[1], &[]).is_err());
    }

    #[test]
    fn unknown_features_fall_away() {
        let theirs = ["push".to_owned(), "telepathy".to_owned()];
        assert_eq!(common_features(&["push", "cluster"], &theirs), ["push"]);
    }
}
