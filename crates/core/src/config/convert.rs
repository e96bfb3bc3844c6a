//! The configuration in the shapes that those who decide by it take.

use mailreeve_smtp::server;

use super::{Config, EightBit, Listener};
use crate::delivery::settings::Settings;
use crate::policy::Policy;

impl Config {
    /// Returns what a delivery shard decides by.
    pub fn delivery_settings(&self) -> Settings {
        Settings {
            connections: self.delivery.connections,
            connections_per_address: self.delivery.connections_per_address,
            opening_per_address: self.delivery.opening_per_address,
            idle: self.delivery.idle,
            profiles: self.bounce_profiles.clone(),
            default_control: self.destination_default.clone(),
            controls: self.destinations.clone(),
            routes: self.routes.clone(),
            eight_bit_bounce: self.delivery.eight_bit == EightBit::Bounce,
            recipients_per_transaction: self.delivery.recipients_per_transaction,
            ..Settings::default()
        }
    }

    /// Returns what sessions at `listener` go by.
    pub fn smtp_settings(&self, listener: &Listener) -> server::Settings {
        let mut settings = server::Settings::new(self.hostname.as_str());
        let limits = &mut settings.limits;
        limits.message_bytes = self.limits.message_bytes;
        limits.recipients = self.limits.recipients;
        limits.header_bytes = self.limits.header_bytes;
        limits.hops = self.limits.hops;
        limits.line_bytes = self.limits.line_bytes;
        limits.errors = self.limits.command_errors;
        limits.messages = self.limits.messages_per_connection;
        settings.deadlines.command = self.timeouts.command;
        settings.deadlines.data = self.timeouts.data;
        settings.deadlines.session = self.timeouts.session;
        settings.deadlines.minimum_rate = self.timeouts.minimum_rate;
        settings.extensions.starttls = listener.tls;
        settings.line_ends = self.limits.line_ends;
        settings
    }

    /// Returns who may hand mail over, and for whom.
    pub fn policy(&self) -> Policy {
        Policy {
            accepted_domains: self.accept.domains.clone(),
            relay_networks: self.accept.relay_networks.clone(),
            hostname: self.hostname.clone(),
        }
    }
}
