//! Look-ups for the shard: by the route of a destination, or by its exchangers.

use std::sync::Arc;

use mailreeve_core::delivery::io::Input;
use mailreeve_core::delivery::settings::Route;
use mailreeve_core::ids::Host;

use super::Shell;
use crate::lookups::exchangers;

impl Shell {
    /// Asks where mail to a destination goes; the answer comes as an input.
    pub(super) fn resolve(&self, host: Host) {
        let running = self.context.running.load_full();
        let now = self.context.clock.wall();
        let inputs = self.inputs.clone();
        let route = running.delivery.routes.iter().find(|(pattern, _)| pattern.matches(host.as_str()));
        let hops = match route {
            Some((_, Route::Hops { hops, .. })) => Some(hops.clone()),
            Some((_, Route::UseDns | Route::Discard)) | None => None,
        };
        tokio::spawn(async move {
            let resolution = match hops {
                Some(hops) => exchangers::resolve_hops(&running.dns, &hops, now).await,
                None => {
                    exchangers::resolve(&running.dns, &host, Arc::clone(&running.surroundings), now).await
                }
            };
            let _ = inputs.send(Input::Resolved { host, resolution });
        });
    }
}
