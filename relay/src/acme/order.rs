//! One order: from the account to a certificate that can be used.

use super::ca::{AcmeError, words};
use super::certificate::Certificate;
use super::challenge::Turn;
use super::plan::{Failure, Failures};
use super::{Keeper, chance};
use crate::hub::Hub;
use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::time::Duration;
use tokio::time::sleep;

/// How often an order is looked at, and for how long; authorities may ask for more patience in
/// their answers, which is followed within this time.
const LOOK: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(120));

/// How often fetching a certificate is tried again, within the time for an order.
const FETCHES: u32 = 4;

/// Orders a certificate for the keeper's names, and shows that they are this relay's.
pub(super) async fn order(hub: &Hub, keeper: &Keeper) -> Result<Certificate, AcmeError> {
    // Said before it is asked: of two relays that begin together one sees the other, or both do.
    let turn = keeper.checks.turn(&keeper.config.names);
    if hub.others_at_it(&keeper.config.names).await {
        return Err(AcmeError::Busy);
    }
    let account = account(keeper).await?;
    let names = &keeper.config.names;
    let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let must_wait = match prepare(&turn, &mut order).await {
        // An authority that looks at once answers with what it saw.
        Err(error @ AcmeError::Refused(_)) => {
            return Err(failed_check(&mut order).await.unwrap_or(error));
        }
        prepared => prepared?,
    };
    if must_wait {
        let ready = order.poll_ready(&LOOK).await;
        if !matches!(ready, Ok(OrderStatus::Ready)) {
            if let Some(error) = failed_check(&mut order).await {
                return Err(error);
            }
            // Which name it was could not be learned, but why.
            if let Some(problem) = &order.state().error {
                let (name, reason) = (names.join(", "), words(problem));
                return Err(AcmeError::Check { name, reason });
            }
            let reason = || AcmeError::Refused("the order became invalid without a reason".into());
            return Err(ready.err().map_or_else(reason, AcmeError::from));
        }
    }
    drop(turn);
    let unusable = |error: rcgen::Error| AcmeError::Unusable(error.to_string());
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unusable)?;
    let mut params = CertificateParams::new(names.clone()).map_err(unusable)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(unusable)?;
    let chain = fetch(keeper, &mut order, request.der()).await?;
    Certificate::from_pem(&format!("{}{chain}", key.serialize_pem()), names)
        .map_err(AcmeError::Unusable)
}

/// Has the certificate made and fetches it, again and again if need be: to order another one would
/// count once more.
async fn fetch(keeper: &Keeper, order: &mut Order, request: &[u8]) -> Result<String, AcmeError> {
    let mut failures = Failures::default();
    for _ in 0..FETCHES {
        let error = match finish(order, request).await {
            Ok(chain) => return Ok(chain),
            Err(error) => AcmeError::from(error),
        };
        if error.failure() != Failure::Unreachable {
            return Err(error);
        }
        tracing::info!(
            %error,
            "the certificate may be made, but did not arrive; it is fetched again"
        );
        let pace = &keeper.config.pace;
        let wait = failures.wait(Failure::Unreachable, pace, keeper.ca.told(), chance());
        sleep(wait).await;
    }
    let chain = finish(order, request).await;
    chain.map_err(|error| AcmeError::Lost(AcmeError::from(error).to_string()))
}

/// From wherever the order stands: the answer to what was asked last may have been lost.
async fn finish(order: &mut Order, request: &[u8]) -> Result<String, instant_acme::Error> {
    if order.refresh().await?.status == OrderStatus::Ready {
        order.finalize_csr(request).await?;
    }
    order.poll_certificate(&LOOK).await
}

/// The operator's account; made at the authority if it is new there.
async fn account(keeper: &Keeper) -> Result<Account, AcmeError> {
    let config = &keeper.config;
    let builder = Account::builder_with_http(Box::new(keeper.ca.clone()));
    let key = keeper.account.pair()?;
    let (account, _) = builder
        .create_from_key(key, config.directory.clone())
        .await?;
    if !config.contacts.is_empty() {
        let contacts: Vec<_> = { config.contacts.iter() }
            .map(|mail| format!("mailto:{mail}"))
            .collect();
        let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
        account.update_contacts(&contacts).await?;
    }
    Ok(account)
}

/// Announces the tokens of all challenges, and tells the authority to look. False when it need not.
async fn prepare(turn: &Turn<'_>, order: &mut Order) -> Result<bool, AcmeError> {
    let mut any = false;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let name = authorization.identifier().to_string();
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Invalid
            | AuthorizationStatus::Revoked
            | AuthorizationStatus::Expired
            | AuthorizationStatus::Deactivated => {
                let reason = reason(&authorization);
                return Err(AcmeError::Check { name, reason });
            }
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            let reason = format!("it offers no check by TLS-ALPN for {name}");
            return Err(AcmeError::Refused(reason));
        };
        turn.announce(&name, &challenge.token);
        any = true;
        challenge.set_ready().await?;
    }
    Ok(any)
}

/// Which name did not pass, and what the authority says about it.
async fn failed_check(order: &mut Order) -> Option<AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.ok()?;
        authorization.refresh().await.ok()?;
        if !matches!(
            authorization.status,
            AuthorizationStatus::Valid | AuthorizationStatus::Pending
        ) {
            let name = authorization.identifier().to_string();
            let reason = reason(&authorization);
            return Some(AcmeError::Check { name, reason });
        }
    }
    None
}

fn reason(authorization: &AuthorizationHandle<'_>) -> String {
    let told = { authorization.challenges.iter() }.find_map(|c| c.error.as_ref().map(words));
    told.unwrap_or_else(|| "it does not say why".into())
}
