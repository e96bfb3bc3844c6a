//! Ways in which a gateway goes down and comes up again.

use super::{Gateway, wait_until};

/// Both kinds of restart.
pub const RESTARTS: [fn(&mut Gateway); 2] = [killed, stopped];

/// By SIGKILL.
pub fn killed(gateway: &mut Gateway) {
    gateway.kill();
    start(gateway);
}

/// By SIGTERM.
pub fn stopped(gateway: &mut Gateway) {
    assert!(gateway.stop().success());
    start(gateway);
}

/// Starts it and waits until it answers commands: its banner may be a 421.
fn start(gateway: &mut Gateway) {
    gateway.spawn();
    wait_until("the gateway answers", || gateway.command("status").status.success());
}
