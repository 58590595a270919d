//! Who holds which route, and which joined streams belong to it.

use super::limits::{Bucket, Pace, Rate};
use deputy_protocol::link::{Refusal, RefusalCode, RouteId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

/// One link of an agent, as long as this relay runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LinkId(pub(crate) u64);

/// One pair of joined streams, as long as this relay runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SpliceId(pub(crate) u64);

/// What one route or link may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteLimits {
    /// Routes of one link.
    pub routes: u32,
    /// Joined streams of one route at a time.
    pub streams: u32,
    /// Dials of one route.
    pub dials: Rate,
    /// Bytes of one route, of all its streams and both ways.
    pub bytes: Rate,
}

#[derive(Debug)]
struct Route {
    /// None: the link ended, some of its streams live on.
    link: Option<LinkId>,
    /// Few; a list is smaller than a set.
    splices: Vec<SpliceId>,
    dials: Bucket,
    /// From the first dial on, where there is a limit.
    pace: Option<Arc<Pace>>,
}

/// The routes of this relay.
#[derive(Debug)]
pub(crate) struct Routes {
    limits: RouteLimits,
    routes: HashMap<RouteId, Route>,
    links: HashMap<LinkId, HashSet<RouteId>>,
}

impl Routes {
    pub(crate) fn new(limits: RouteLimits) -> Self {
        Self {
            limits,
            routes: HashMap::new(),
            links: HashMap::new(),
        }
    }

    /// Routes that can be dialled.
    pub(crate) fn count(&self) -> usize {
        self.links.values().map(HashSet::len).sum()
    }

    /// Links that registered, with routes or without.
    pub(crate) fn links(&self) -> usize {
        self.links.len()
    }

    /// `link` has shown that it owns `routes`. Gives the older links that held some of them: the
    /// same owner's, for nobody else could show that.
    ///
    /// # Errors
    /// [`RefusalCode::Full`] when the link would hold too many; then nothing changed.
    pub(crate) fn register(
        &mut self,
        link: LinkId,
        routes: &[RouteId],
        now: Instant,
    ) -> Result<HashMap<LinkId, Vec<RouteId>>, Refusal> {
        let held = self.links.entry(link).or_default();
        let new = routes.iter().filter(|r| !held.contains(r)).count();
        if held.len() + new > self.limits.routes as usize {
            return Err(Refusal::because(
                RefusalCode::Full,
                format!(
                    "The relay takes at most {} devices for one agent, so these were not added.",
                    self.limits.routes
                ),
            ));
        }
        held.extend(routes);
        let mut displaced: HashMap<LinkId, Vec<RouteId>> = HashMap::new();
        for id in routes {
            let route = self.routes.entry(*id).or_insert_with(|| Route {
                link: None,
                splices: Vec::new(),
                dials: Bucket::full(self.limits.dials, now),
                pace: None,
            });
            if let Some(older) = route.link.replace(link)
                && older != link
            {
                displaced.entry(older).or_default().push(*id);
            }
        }
        for (older, lost) in &displaced {
            if let Some(held) = self.links.get_mut(older) {
                held.retain(|id| !lost.contains(id));
            }
        }
        Ok(displaced)
    }

    /// `link` revokes routes. Gives the joined streams to cut. Routes of others are left alone.
    pub(crate) fn unregister(&mut self, link: LinkId, routes: &[RouteId]) -> Vec<SpliceId> {
        let mut cut = Vec::new();
        let Some(held) = self.links.get_mut(&link) else {
            return cut;
        };
        for id in routes {
            if held.remove(id)
                && let Some(route) = self.routes.remove(id)
            {
                cut.extend(route.splices);
            }
        }
        cut
    }

    /// Another relay has these routes now. Gives the links that lost some.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn taken(&mut self, routes: &[RouteId]) -> HashMap<LinkId, Vec<RouteId>> {
        let mut displaced: HashMap<LinkId, Vec<RouteId>> = HashMap::new();
        for id in routes {
            let Some(link) = self.routes.get_mut(id).and_then(|route| route.link.take()) else {
                continue;
            };
            if let Some(held) = self.links.get_mut(&link) {
                held.remove(id);
            }
            displaced.entry(link).or_default().push(*id);
            self.forget_if_unused(*id);
        }
        displaced
    }

    /// Their owner revoked these routes at another relay. Gives the joined streams to cut here.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn revoked(&mut self, routes: &[RouteId]) -> Vec<SpliceId> {
        let mut cut = Vec::new();
        for id in routes {
            if let Some(route) = self.routes.remove(id) {
                cut.extend(route.splices);
                if let Some(held) = route.link.and_then(|link| self.links.get_mut(&link)) {
                    held.remove(id);
                }
            }
        }
        cut
    }

    /// Whether `link` holds the route.
    pub(crate) fn holds(&self, link: LinkId, id: &RouteId) -> bool {
        self.links.get(&link).is_some_and(|held| held.contains(id))
    }

    /// Whether a link of this relay holds the route.
    pub(crate) fn is_held(&self, id: &RouteId) -> bool {
        self.routes
            .get(id)
            .is_some_and(|route| route.link.is_some())
    }

    /// `link` ended. Its streams live on, and can still be revoked when the agent comes back.
    pub(crate) fn ended(&mut self, link: LinkId) {
        for id in self.links.remove(&link).unwrap_or_default() {
            if let Some(route) = self.routes.get_mut(&id)
                && route.link == Some(link)
            {
                route.link = None;
                self.forget_if_unused(id);
            }
        }
    }

    /// How fast the streams of a route may be; `None` where nothing holds them.
    pub(crate) fn pace(&mut self, id: &RouteId, now: Instant) -> Option<Arc<Pace>> {
        let rate = self.limits.bytes;
        let route = self.routes.get_mut(id)?;
        if rate.burst.is_infinite() {
            return None;
        }
        let pace = { &mut route.pace }.get_or_insert_with(|| Arc::new(Pace::new(rate, now)));
        Some(Arc::clone(pace))
    }

    /// Somebody dials. Gives the link to ask; `splice` belongs to the route until
    /// [`Self::parted`].
    ///
    /// # Errors
    /// A refusal in words. An unknown route and an agent that is away look the same.
    pub(crate) fn dial(
        &mut self,
        id: RouteId,
        splice: SpliceId,
        now: Instant,
    ) -> Result<LinkId, Refusal> {
        let offline = || Refusal::new(RefusalCode::Offline);
        let route = self.routes.get_mut(&id).ok_or_else(offline)?;
        let link = route.link.ok_or_else(offline)?;
        route
            .dials
            .take(self.limits.dials, now)
            .map_err(|wait| Refusal::new(RefusalCode::RateLimited).retry_after(wait))?;
        if route.splices.len() >= self.limits.streams as usize {
            return Err(Refusal::new(RefusalCode::Full));
        }
        route.splices.push(splice);
        Ok(link)
    }

    /// A joined stream ended, or never began.
    pub(crate) fn parted(&mut self, id: RouteId, splice: SpliceId) {
        if let Some(route) = self.routes.get_mut(&id) {
            route.splices.retain(|s| *s != splice);
            self.forget_if_unused(id);
        }
    }

    fn forget_if_unused(&mut self, id: RouteId) {
        if let Some(route) = self.routes.get(&id)
            && route.link.is_none()
            && route.splices.is_empty()
        {
            self.routes.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const OLD: LinkId = LinkId(1);
    const NEW: LinkId = LinkId(2);

    fn routes() -> Routes {
        Routes::new(RouteLimits {
            routes: 3,
            streams: 2,
            dials: Rate {
                burst: 3.0,
                per_second: 1.0,
            },
            bytes: Rate::UNLIMITED,
        })
    }

    fn id(n: u8) -> RouteId {
        RouteId([n; 24])
    }

    #[test]
    fn a_dial_finds_the_link() {
        let now = Instant::now();
        let mut routes = routes();
        assert_eq!(
            routes.dial(id(1), SpliceId(1), now).unwrap_err().code,
            RefusalCode::Offline
        );
        routes.register(OLD, &[id(1)], now).unwrap();
        assert_eq!(routes.dial(id(1), SpliceId(1), now), Ok(OLD));
    }

    #[test]
    fn the_newest_link_of_an_owner_has_its_routes_and_the_older_is_told() {
        let now = Instant::now();
        let mut routes = routes();
        routes.register(OLD, &[id(1), id(2)], now).unwrap();
        let displaced = routes.register(NEW, &[id(1)], now).unwrap();
        assert_eq!(displaced, HashMap::from([(OLD, vec![id(1)])]));
        assert_eq!(routes.dial(id(1), SpliceId(1), now), Ok(NEW));
        // The older link's end takes only what it still holds.
        routes.ended(OLD);
        assert_eq!(routes.dial(id(1), SpliceId(2), now), Ok(NEW));
        assert!(routes.dial(id(2), SpliceId(3), now).is_err());
    }

    #[test]
    fn revoking_cuts_streams_even_those_of_an_earlier_link() {
        let now = Instant::now();
        let mut routes = routes();
        routes.register(OLD, &[id(1)], now).unwrap();
        routes.dial(id(1), SpliceId(7), now).unwrap();
        routes.ended(OLD);
        assert_eq!(
            routes.dial(id(1), SpliceId(8), now).unwrap_err().code,
            RefusalCode::Offline
        );
        routes.register(NEW, &[id(1)], now).unwrap();
        assert_eq!(routes.unregister(NEW, &[id(1)]), [SpliceId(7)]);
        assert!(routes.dial(id(1), SpliceId(9), now).is_err());
    }

    #[test]
    fn nobody_revokes_the_routes_of_others() {
        let now = Instant::now();
        let mut routes = routes();
        routes.register(OLD, &[id(1)], now).unwrap();
        routes.register(NEW, &[], now).unwrap();
        assert!(routes.unregister(NEW, &[id(1)]).is_empty());
        assert_eq!(routes.dial(id(1), SpliceId(1), now), Ok(OLD));
    }

    #[test]
    fn limits_hold_and_streams_that_end_make_room() {
        let now = Instant::now();
        let mut routes = routes();
        let all = [id(1), id(2), id(3), id(4)];
        assert_eq!(
            routes.register(OLD, &all, now).unwrap_err().code,
            RefusalCode::Full
        );
        assert_eq!(routes.count(), 0);
        routes.register(OLD, &all[..3], now).unwrap();
        routes.register(OLD, &all[..3], now).unwrap();
        routes.dial(id(1), SpliceId(1), now).unwrap();
        routes.dial(id(1), SpliceId(2), now).unwrap();
        assert_eq!(
            routes.dial(id(1), SpliceId(3), now).unwrap_err().code,
            RefusalCode::Full
        );
        routes.parted(id(1), SpliceId(1));
        let limited = routes.dial(id(1), SpliceId(4), now).unwrap_err();
        assert_eq!(limited.code, RefusalCode::RateLimited);
        assert_eq!(limited.retry_ms, Some(1000));
    }

    #[test]
    fn what_another_relay_has_is_lost_here_and_what_it_revokes_is_cut() {
        let now = Instant::now();
        let mut routes = routes();
        routes.register(OLD, &[id(1), id(2)], now).unwrap();
        routes.dial(id(1), SpliceId(7), now).unwrap();
        assert_eq!(
            routes.taken(&[id(1), id(9)]),
            HashMap::from([(OLD, vec![id(1)])])
        );
        assert!(!routes.is_held(&id(1)) && routes.is_held(&id(2)));
        assert_eq!(routes.revoked(&[id(1), id(2)]), [SpliceId(7)]);
        assert!(!routes.is_held(&id(2)));
        routes.ended(OLD);
        assert!(routes.routes.is_empty() && routes.links.is_empty());
    }

    #[test]
    fn nothing_is_kept_of_what_is_gone() {
        let now = Instant::now();
        let mut routes = routes();
        routes.register(OLD, &[id(1)], now).unwrap();
        routes.dial(id(1), SpliceId(1), now).unwrap();
        routes.ended(OLD);
        routes.parted(id(1), SpliceId(1));
        assert!(routes.routes.is_empty() && routes.links.is_empty());
    }
}
