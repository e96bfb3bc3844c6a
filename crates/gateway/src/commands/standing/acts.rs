//! What follows from an order that is durable: doors, the shard, the record of events.

use mailreeve_api::standing::Side;
use mailreeve_api::wire::Problem;
use mailreeve_core::delivery::io::Input;
use mailreeve_core::event::Event;
use mailreeve_core::ids::Host;

use crate::commands::Commands;

impl Commands {
    pub(super) fn receiving_suspended(&self, fresh: Vec<Option<String>>, by: &str) {
        self.open_and_close_doors();
        for listener in fresh {
            self.context.events.tell(Event::ReceivingSuspended { listener, by: by.to_owned() });
        }
    }

    pub(super) fn receiving_resumed(
        &self,
        names: Vec<String>,
        resumed: Vec<Option<String>>,
        by: &str,
    ) -> Side {
        self.open_and_close_doors();
        for listener in resumed {
            self.context.events.tell(Event::ReceivingResumed { listener, by: by.to_owned() });
        }
        let still = self.listeners.iter().filter(|listener| listener.door().suspended());
        Side { names, still: still.map(|listener| listener.name.clone()).collect(), ..Side::default() }
    }

    pub(super) fn delivery_suspended(&self, fresh: Vec<Option<Host>>, by: &str) -> Result<(), Problem> {
        fresh.into_iter().try_for_each(|host| self.tell_shard(Input::Suspend { host, by: by.to_owned() }))
    }

    pub(super) fn delivery_resumed(
        &self,
        names: Vec<String>,
        resumed: Vec<Option<Host>>,
        by: &str,
    ) -> Result<Side, Problem> {
        for host in resumed {
            self.tell_shard(Input::Resume { host, by: by.to_owned() })?;
        }
        let orders = self.context.standing.in_force();
        let everywhere = orders.delivery.iter().map(|_| "ALL".to_owned());
        let still = everywhere.chain(orders.hosts.keys().map(Host::to_string)).collect();
        Ok(Side { names, still, ..Side::default() })
    }

    /// The doors are as the orders say.
    fn open_and_close_doors(&self) {
        let orders = self.context.standing.in_force();
        for listener in &self.listeners {
            let suspend = orders.receiving.is_some() || orders.listeners.contains_key(&listener.name);
            match (suspend, listener.door().suspended()) {
                (true, false) => listener.door().suspend(),
                (false, true) => listener.door().resume(),
                (true, true) | (false, false) => {}
            }
        }
    }
}
