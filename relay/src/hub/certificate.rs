//! How the certificate stands, and what relays of one name tell each other while one of them gets
//! its own by ACME.

#[cfg(feature = "acme")]
mod acme {
    use crate::hub::Hub;
    use crate::metrics::CertificateState;
    use std::time::{Duration, SystemTime};
    use tokio::time::timeout;

    /// How long a relay may take to join the others when it starts.
    const JOIN: Duration = Duration::from_secs(5);

    impl Hub {
        /// For health and metrics.
        pub(crate) fn certificate_state(&self) -> CertificateState {
            let validity = self.certificates.validity();
            CertificateState {
                seconds_left: validity.map(|v| v.seconds_left(SystemTime::now())),
                progress: self.certificates.keeper().map(|keeper| keeper.progress()),
            }
        }

        /// Whether another relay has one of these names checked just now. No, when nobody says so.
        pub(crate) async fn others_at_it(&self, names: &[String]) -> bool {
            if !self.config.has_others() {
                return false;
            }
            match timeout(JOIN, self.others.wait()).await {
                Ok(others) => others.at_it(names).await,
                Err(_) => false,
            }
        }

        /// The token of the check of `name` that another relay has under way.
        pub(crate) async fn token_of_others(&self, name: &str) -> Option<String> {
            self.others.get()?.token(name).await
        }

        /// Whether this relay has one of these names checked just now.
        #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
        pub(crate) fn at_it(&self, names: &[String]) -> bool {
            let keeper = self.certificates.keeper();
            keeper.is_some_and(|keeper| keeper.at_it(names))
        }

        /// The token of the check of `name` that this relay has under way.
        #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
        pub(crate) fn token(&self, name: &str) -> Option<String> {
            self.certificates.keeper()?.token(name)
        }
    }
}

/// A relay that cannot order certificates has none checked.
#[cfg(not(feature = "acme"))]
mod none {
    use crate::hub::Hub;

    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    impl Hub {
        pub(crate) fn at_it(&self, _names: &[String]) -> bool {
            false
        }

        pub(crate) fn token(&self, _name: &str) -> Option<String> {
            None
        }
    }
}
