//! Orders of earlier runs, taken up before anything runs.

use std::sync::Arc;

use mailreeve_core::delivery::Delivery;
use mailreeve_core::event::Severity;
use mailreeve_store::standing::Orders;

use crate::context::Context;
use crate::listen::Listener;

/// Suspends what is suspended.
pub(super) fn take_up(orders: &Orders, listeners: &[Arc<Listener>], delivery: &mut Delivery) {
    for listener in listeners {
        if orders.receiving.is_some() || orders.listeners.contains_key(&listener.name) {
            listener.door().suspend();
        }
    }
    if let Some(given) = &orders.delivery {
        delivery.restore_suspension(None, given.by.clone(), given.at);
    }
    for (host, given) in &orders.hosts {
        delivery.restore_suspension(Some(host), given.by.clone(), given.at);
    }
}

/// Reminds operators of what still holds: nobody should have to wonder why mail stands still after a restart.
pub(super) fn remind(context: &Context) {
    let orders = context.standing.in_force();
    let parts = [
        (orders.receiving.is_some() || !orders.listeners.is_empty(), "receiving is suspended"),
        (orders.delivery.is_some() || !orders.hosts.is_empty(), "delivery is suspended"),
        (orders.work_queue.paused.is_some(), "the work queue is paused"),
    ];
    let held: Vec<&str> = parts.iter().filter(|(holds, _)| *holds).map(|(_, what)| *what).collect();
    if !held.is_empty() {
        context.events.alert(
            Severity::Warning,
            "orders-stand",
            format!("orders of before the start still hold: {}", held.join("; ")),
            "`status` says what, by whom and since when; `resume` and `workqueue resume` end it",
        );
    }
}
