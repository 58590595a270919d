//! What changes a mailbox: moving, marking, and putting a draft there.

use super::{Mailbox, no_folder, wire_name, within};
use crate::connectors::mail_client::MailFailure;
use async_imap::types::{Fetch, NameAttribute};
use futures_util::TryStreamExt;

impl Mailbox {
    /// Opens a folder for changes. Gives its validity.
    pub(crate) async fn select(&mut self, folder: &str) -> Result<u32, MailFailure> {
        let opened = within(self.timeout, self.session.select(wire_name(folder))).await;
        let opened = opened.map_err(|failure| no_folder(folder, failure))?;
        Ok(opened.uid_validity.unwrap_or(0))
    }

    /// Moves a mail of the folder that is open. Where the server cannot, it is copied and then removed; a
    /// `copy` that is there already, from an earlier try, is enough.
    pub(crate) async fn move_to(
        &mut self,
        uid: u32,
        folder: &str,
        is_copied: bool,
    ) -> Result<(), MailFailure> {
        let (uid, to) = (uid.to_string(), wire_name(folder));
        let missing = |failure| no_folder(folder, failure);
        if self.can.moves {
            let moving = self.session.uid_mv(&uid, &to);
            return within(self.timeout, moving).await.map_err(missing);
        }
        if !self.can.expunge_one {
            return Err(MailFailure::Denied(
                "the server can neither move a mail nor remove a single one".to_owned(),
            ));
        }
        if !is_copied {
            let copying = self.session.uid_copy(&uid, &to);
            within(self.timeout, copying).await.map_err(missing)?;
        }
        self.store(&uid, "+FLAGS.SILENT (\\Deleted)").await?;
        let removing = async {
            let removed = self.session.uid_expunge(&uid).await?;
            removed.try_collect::<Vec<_>>().await
        };
        within(self.timeout, removing).await.map(drop)
    }

    /// Sets and takes away flags of a mail of the folder that is open.
    pub(crate) async fn flag(
        &mut self,
        uid: u32,
        add: &[String],
        remove: &[String],
    ) -> Result<(), MailFailure> {
        for (how, flags) in [("+", add), ("-", remove)] {
            if !flags.is_empty() {
                let query = format!("{how}FLAGS.SILENT ({})", flags.join(" "));
                self.store(&uid.to_string(), &query).await?;
            }
        }
        Ok(())
    }

    async fn store(&mut self, uid: &str, query: &str) -> Result<(), MailFailure> {
        let storing = async {
            let stored = self.session.uid_store(uid, query).await?;
            stored.try_collect::<Vec<Fetch>>().await
        };
        within(self.timeout, storing).await.map(drop)
    }

    /// Whether a folder has a mail of this Message-ID.
    pub(crate) async fn folder_has(
        &mut self,
        folder: &str,
        message_id: &str,
    ) -> Result<bool, MailFailure> {
        self.examine(folder).await?;
        self.open_one_has(message_id).await
    }

    /// The folder for drafts, as the server names it: the one that it marks, or else one of that name.
    async fn drafts(&mut self) -> Result<String, MailFailure> {
        let marked = self
            .marked(|mark| matches!(mark, NameAttribute::Drafts))
            .await?;
        if let Some(folder) = marked.into_iter().next() {
            return Ok(folder);
        }
        self.examine("Drafts").await?;
        Ok("Drafts".to_owned())
    }

    /// Whether the folder for drafts has one of this Message-ID.
    pub(crate) async fn has_draft(&mut self, message_id: &str) -> Result<bool, MailFailure> {
        let folder = self.drafts().await?;
        self.has(&[folder], message_id).await
    }

    /// Puts a draft into the folder for drafts.
    pub(crate) async fn put_draft(&mut self, mail: &[u8]) -> Result<(), MailFailure> {
        let folder = self.drafts().await?;
        let putting = self
            .session
            .append(&folder, Some("(\\Draft \\Seen)"), None, mail);
        within(self.timeout, putting).await
    }
}
