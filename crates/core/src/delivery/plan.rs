//! What the settings say about one destination, looked up once for each set of settings.

use std::sync::Arc;

use crate::delivery::io::{Target, TlsMode};
use crate::delivery::settings::{BounceProfile, Control, Hop, HopHost, Route, Settings};

/// The rows of the settings that concern a destination.
///
/// It holds the settings that it was made by, so that a row is never read from another table.
#[derive(Clone, Debug)]
pub struct Plan {
    settings: Arc<Settings>,
    control: Option<u32>,
    route: Option<u32>,
}

/// What a connection must be like; only like connections are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// TLS.
    pub tls: TlsMode,
    /// Name of the credentials for AUTH.
    pub credentials: Option<Arc<str>>,
    /// TLS from the first byte.
    pub implicit_tls: bool,
}

impl Plan {
    /// Looks the rows up for a host whose exchangers may be known already.
    pub fn new<'a>(
        settings: &Arc<Settings>,
        host: &str,
        exchangers: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let control = settings.controls.iter().position(|(pattern, _)| {
            pattern.matches(host) || exchangers.clone().any(|exchanger| pattern.matches(exchanger))
        });
        let route = settings.routes.iter().position(|(pattern, _)| pattern.matches(host));
        Self {
            settings: Arc::clone(settings),
            control: control.map(|row| row as u32),
            route: route.map(|row| row as u32),
        }
    }

    /// Tells whether it was made by these settings.
    pub(super) fn is_by(&self, settings: &Arc<Settings>) -> bool {
        Arc::ptr_eq(&self.settings, settings)
    }

    pub(super) fn control(&self) -> &Control {
        match self.control {
            Some(row) => &self.settings.controls[row as usize].1,
            None => &self.settings.default_control,
        }
    }

    /// Returns how it is reached.
    pub fn route(&self) -> &Route {
        match self.route {
            Some(row) => &self.settings.routes[row as usize].1,
            None => &Route::UseDns,
        }
    }

    /// Returns the bounce profile, or the first one when the control names one that is not there.
    pub(super) fn profile(&self) -> &BounceProfile {
        static WITHOUT_ANY: BounceProfile = BounceProfile::DEFAULT;
        let profiles = &self.settings.profiles;
        profiles.get(self.control().profile).or(profiles.first()).unwrap_or(&WITHOUT_ANY)
    }

    /// Returns what its connections must be like.
    pub fn demand(&self) -> Demand {
        let tls = self.control().tls;
        match self.route() {
            Route::Hops { credentials, implicit_tls, .. } => {
                Demand { tls, credentials: credentials.clone(), implicit_tls: *implicit_tls }
            }
            Route::UseDns | Route::Discard => Demand { tls, credentials: None, implicit_tls: false },
        }
    }

    /// Returns the targets of a route whose hops are all addresses: nothing has to be looked up.
    pub fn fixed_targets(&self) -> Option<Vec<Target>> {
        match self.route() {
            Route::Hops { hops, .. } => hops.iter().map(fixed_target).collect(),
            Route::UseDns | Route::Discard => None,
        }
    }
}

fn fixed_target(hop: &Hop) -> Option<Target> {
    match &hop.host {
        HopHost::Address(address) => {
            Some(Target { address: *address, name: format!("[{}]", address.ip()), preference: hop.priority })
        }
        HopHost::Name(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::delivery::settings::Pattern;

    fn control(concurrency: usize) -> Control {
        Control { concurrency, ..Control::default() }
    }

    #[test]
    fn the_first_row_that_matches_host_or_exchanger_wins() {
        let settings = Arc::new(Settings {
            controls: vec![
                (Pattern::Exact("a.example".into()), control(1)),
                (Pattern::Below(".mx.example".into()), control(2)),
                (Pattern::Below(".example".into()), control(3)),
            ],
            ..Settings::default()
        });
        let table: [(&str, &[&str], usize); 5] = [
            ("a.example", &["in.mx.example"], 1),
            ("b.example", &["in.mx.example"], 2),
            ("b.example", &[], 3),
            ("other.org", &["in.mx.example"], 2),
            ("other.org", &["mail.other.org"], 500),
        ];
        for (host, exchangers, concurrency) in table {
            let plan = Plan::new(&settings, host, exchangers.iter().copied());
            assert_eq!(plan.control().concurrency, concurrency, "{host} {exchangers:?}");
        }
    }

    #[test]
    fn a_route_of_addresses_needs_no_name_service() {
        let hop = |host, priority| Hop { host, port: 25, priority };
        let address = |text: &str| HopHost::Address(text.parse().unwrap());
        let plan = |hops| {
            let route = Route::Hops { hops, credentials: None, implicit_tls: false };
            let settings = Settings { routes: vec![(Pattern::All, route)], ..Settings::default() };
            Plan::new(&Arc::new(settings), "a.example", std::iter::empty())
        };
        let targets = plan(vec![hop(address("192.0.2.1:25"), 5), hop(address("[2001:db8::1]:2525"), 7)])
            .fixed_targets()
            .unwrap();
        assert_eq!((targets[0].name.as_str(), targets[0].preference), ("[192.0.2.1]", 5));
        assert_eq!((targets[1].name.as_str(), targets[1].address.port()), ("[2001:db8::1]", 2525));
        assert_eq!(
            plan(vec![hop(address("192.0.2.1:25"), 5), hop(HopHost::Name("smart.example".into()), 7)])
                .fixed_targets(),
            None
        );
    }
}
