//! Registering and revoking routes, here and at the other relays of the name.

use super::ports::{Notice, Port};
use super::{Hub, HubTables};
use crate::core::routes::{LinkId, SpliceId};
use deputy_protocol::link::{Refusal, RouteId};
use std::collections::HashMap;
use std::time::Instant;

impl Hub {
    /// `link` has shown that it owns `routes`; `port` reaches it.
    ///
    /// # Errors
    /// When it would hold too many.
    pub(crate) fn register(
        &self,
        link: LinkId,
        port: &Port,
        routes: &[RouteId],
    ) -> Result<(), Refusal> {
        let mut tables = self.tables();
        let displaced = tables.routes.register(link, routes, Instant::now())?;
        tables.ports.entry(link).or_insert_with(|| port.clone());
        tables.tell_displaced(displaced);
        drop(tables);
        if let Some(others) = self.others.get()
            && !routes.is_empty()
        {
            others.took(routes);
        }
        Ok(())
    }

    /// Another relay of this name holds these routes now.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn taken(&self, routes: &[RouteId]) {
        let mut tables = self.tables();
        let displaced = tables.routes.taken(routes);
        tables.tell_displaced(displaced);
    }

    /// Their owner revoked these routes at another relay of this name.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn revoked_elsewhere(&self, routes: &[RouteId]) {
        let mut tables = self.tables();
        let splices = tables.routes.revoked(routes);
        tables.cut(&splices);
    }

    /// Whether this relay holds the route and takes dials.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn holds(&self, route: &RouteId) -> bool {
        !self.draining.is_cancelled() && self.tables().routes.is_held(route)
    }

    /// `link` revokes routes: their streams are cut.
    pub(crate) fn unregister(&self, link: LinkId, routes: &[RouteId]) {
        let mut tables = self.tables();
        let held: Vec<RouteId> = routes
            .iter()
            .filter(|r| tables.routes.holds(link, r))
            .copied()
            .collect();
        let splices = tables.routes.unregister(link, &held);
        tables.cut(&splices);
        drop(tables);
        if let Some(others) = self.others.get()
            && !held.is_empty()
        {
            others.revoked(&held);
        }
    }

    /// `link` ended.
    pub(crate) fn ended(&self, link: LinkId) {
        let mut tables = self.tables();
        tables.routes.ended(link);
        tables.ports.remove(&link);
    }
}

impl HubTables {
    fn tell_displaced(&self, displaced: HashMap<LinkId, Vec<RouteId>>) {
        for (older, routes) in displaced {
            if let Some(port) = self.ports.get(&older) {
                // Full: it takes nothing any more, which is why there is a newer one.
                let _ = port.tell.try_send(Notice::Displaced(routes));
            }
        }
    }

    fn cut(&self, splices: &[SpliceId]) {
        for cut in splices.iter().filter_map(|splice| self.cuts.get(splice)) {
            cut.cancel();
        }
    }
}
