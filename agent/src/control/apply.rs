//! Which request goes where.

use super::{Answer, Control, store_error};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{CONTROL_VERSION, Envelope, Reply, Request, Response};
use deputy_protocol::model::Done;

impl Control {
    /// Applies a request. A command whose id was applied before, or is being applied, is not applied
    /// again: its answer is given once more, or that it was lost (`answer_lost`).
    pub async fn apply(&self, envelope: Envelope, by: &str) -> Reply {
        if envelope.version != CONTROL_VERSION {
            let (theirs, ours) = (envelope.version, CONTROL_VERSION);
            let hint = if theirs > ours {
                "update the agent (`deputy update`) and start it again"
            } else {
                "update this client"
            };
            let message = format!(
                "the client speaks control version {theirs}, the agent {ours}; nothing was done"
            );
            return Reply::Error(ErrorBody::new("version", message, hint));
        }
        if is_command(&envelope.request) {
            return self.once(&envelope.id, envelope.request, by).await;
        }
        match self.dispatch(envelope.request, by).await {
            Ok(response) => Reply::Ok(Box::new(response)),
            Err(error) => Reply::Error(error),
        }
    }

    pub(super) async fn dispatch(&self, request: Request, by: &str) -> Answer<Response> {
        match request {
            Request::Status => self.status().await,
            Request::Doctor => self.doctor().await,
            // The server stops the agent once the answer is on its way.
            Request::Stop => Ok(done(
                "agent",
                "The agent stops; runs under way go on at the next start.",
            )),
            Request::Delegate {
                text,
                automation,
                accept,
                timezone,
            } => match self.repair_undone(&text, automation.as_deref()).await? {
                Some(undone) => Ok(undone),
                None => self.delegate(text, automation, accept, timezone).await,
            },
            Request::Install { bundle, accept } => self.install(bundle, accept).await,
            Request::ProposalShow { proposal } => self.proposal_show(&proposal).await,
            Request::ProposalAccept { proposal, confirm } => self.accept(&proposal, &confirm).await,
            Request::ProposalDecline { proposal } => self.decline(&proposal).await,
            Request::TaskCancel { task } => self.task_cancel(&task).await,
            Request::Chat {
                automation,
                after,
                limit,
            } => self.chat(automation, after, limit).await,
            Request::Automations { archived } => self.automations(archived).await,
            Request::AutomationShow { automation } => self.automation_show(&automation).await,
            Request::AutomationPause { automation } => self.automation_pause(&automation).await,
            Request::AutomationResume { automation } => self.automation_resume(&automation).await,
            Request::AutomationArchive { automation } => self.automation_archive(&automation).await,
            Request::AutomationRun {
                automation,
                input,
                wait,
            } => self.automation_run(&automation, input, wait).await,
            Request::ContractShow {
                automation,
                version,
            } => self.contract_show(&automation, version).await,
            Request::ContractDiff {
                automation,
                from,
                to,
            } => self.contract_diff(&automation, from, to).await,
            Request::Export { automation } => self.export(&automation).await,
            Request::ExportAll { format } => self.export_all(&format).await,
            Request::Runs {
                automation,
                state,
                before,
                limit,
            } => self.runs(automation, state, before, limit).await,
            Request::RunShow { run } => self.run_show(&run).await,
            Request::RunCancel { run } => self.run_cancel(&run).await,
            Request::Inputs {
                automation,
                state,
                limit,
            } => self.inputs(automation, state, limit).await,
            Request::InputShow { input } => self.input_show(&input).await,
            Request::InputSkip { input } => self.input_skip(&input).await,
            Request::InputAgain {
                input,
                effects_again,
            } => self.input_again(&input, effects_again).await,
            Request::Outputs { automation, limit } => self.outputs(automation, limit).await,
            Request::Replay { run, script } => self.replay(&run, script).await,
            Request::Needs { all } => self.needs(all).await,
            Request::NeedShow { item } => self.need_show(&item).await,
            Request::NeedAnswer { item, choice, note } => {
                self.need_answer(&item, choice, note, by).await
            }
            Request::Pair {
                name,
                ttl_ms,
                rights,
            } => self.pair(name, ttl_ms, rights).await,
            Request::PairWait { pairing, seen } => self.pair_wait(&pairing, &seen).await,
            Request::PairAnswer { pairing, same } => self.pair_answer(&pairing, same).await,
            Request::Devices => self.devices().await,
            Request::PushKey => self.push_key().await,
            Request::PushSubscribe {
                device,
                target,
                quiet,
            } => self.push_subscribe(device, target, quiet).await,
            Request::PushUnsubscribe { device } => self.push_unsubscribe(device).await,
            Request::PushTest { device } => self.push_test(device).await,
            Request::DeviceRevoke { device } => self.device_revoke(&device).await,
            Request::Connections => self.connections().await,
            Request::Connect {
                kind,
                name,
                config,
                secret,
            } => self.connect(kind, name, config, secret).await,
            Request::ConnectionCheck { connection } => self.connection_check(&connection).await,
            Request::ConnectionRevoke { connection } => self.connection_revoke(&connection).await,
            Request::ConnectionSignIn { connection, device } => {
                self.sign_in(&connection, device).await
            }
            Request::ConnectionSignInWait { sign_in, seen } => {
                self.sign_in_wait(&sign_in, &seen).await
            }
            Request::ConnectionSignInAnswer { url } => self.sign_in_answer(&url).await,
            Request::ModelSet {
                provider,
                base_url,
                model,
                key,
            } => {
                self.model_set(&provider, base_url.as_deref(), &model, key.as_deref())
                    .await
            }
            Request::ModelList => self.model_list().await,
            Request::ModelTest => self.model_test().await,
            Request::ModelRemove => self.model_remove().await,
            Request::Costs { by, since_ms } => self.costs(&by, since_ms).await,
            Request::Tools { types } => Ok(self.tools(types)),
            Request::ConfigGet { key } => self.config_get(key).await,
            Request::ConfigSet { key, value } => self.config_set(key, value).await,
            Request::Permissions { deny, allow } => self.permissions(deny, allow).await,
            Request::EventSend {
                automation,
                topic,
                payload,
                key,
            } => self.event_send(&automation, topic, payload, key).await,
            Request::Backup { file } => self.backup(file).await,
            Request::Prune { older_than_days } => self.prune(older_than_days).await,
            Request::VaultRotate => self.vault_rotate().await,
            Request::VaultShow => Ok(self.vault_show()),
            Request::VaultProtect { by, passphrase } => self.vault_protect(by, passphrase).await,
            Request::Follow { .. } => Err(ErrorBody::new(
                "usage",
                "`follow` is a stream; open it by itself",
                "",
            )),
        }
    }
}

/// What an act without a thing of its own did.
pub(super) fn done(id: &str, message: impl Into<String>) -> Response {
    Response::Done(Done {
        id: id.to_owned(),
        message: message.into(),
    })
}

/// Whether a request changes something.
fn is_command(request: &Request) -> bool {
    match request {
        Request::Status
        | Request::Doctor
        | Request::ProposalShow { .. }
        | Request::Chat { .. }
        | Request::Automations { .. }
        | Request::AutomationShow { .. }
        | Request::ContractShow { .. }
        | Request::ContractDiff { .. }
        | Request::Export { .. }
        | Request::ExportAll { .. }
        | Request::VaultShow
        | Request::Runs { .. }
        | Request::RunShow { .. }
        | Request::Inputs { .. }
        | Request::InputShow { .. }
        | Request::Outputs { .. }
        | Request::Replay { .. }
        | Request::Needs { .. }
        | Request::NeedShow { .. }
        | Request::Connections
        | Request::PairWait { .. }
        | Request::ConnectionSignInWait { .. }
        | Request::Devices
        | Request::PushKey
        // What a device says of itself only sets what is so.
        | Request::PushSubscribe { .. }
        | Request::PushUnsubscribe { .. }
        | Request::PushTest { .. }
        | Request::ModelList
        | Request::Costs { .. }
        | Request::Tools { .. }
        | Request::ConfigGet { .. }
        | Request::Follow { .. } => false,
        Request::Stop
        | Request::Delegate { .. }
        | Request::Install { .. }
        | Request::ProposalAccept { .. }
        | Request::ProposalDecline { .. }
        | Request::TaskCancel { .. }
        | Request::AutomationPause { .. }
        | Request::AutomationResume { .. }
        | Request::AutomationArchive { .. }
        | Request::AutomationRun { .. }
        | Request::RunCancel { .. }
        | Request::InputSkip { .. }
        | Request::InputAgain { .. }
        | Request::NeedAnswer { .. }
        | Request::Pair { .. }
        | Request::PairAnswer { .. }
        | Request::DeviceRevoke { .. }
        | Request::Connect { .. }
        | Request::ConnectionCheck { .. }
        | Request::ConnectionRevoke { .. }
        | Request::ConnectionSignIn { .. }
        | Request::ConnectionSignInAnswer { .. }
        | Request::ModelSet { .. }
        | Request::ModelTest
        | Request::ModelRemove
        | Request::ConfigSet { .. }
        | Request::Permissions { .. }
        | Request::EventSend { .. }
        | Request::Backup { .. }
        | Request::Prune { .. }
        | Request::VaultProtect { .. }
        | Request::VaultRotate => true,
    }
}

/// Maps a store's failure.
pub(super) fn stored<T>(result: Result<T, crate::store::StoreError>) -> Answer<T> {
    result.map_err(store_error)
}
