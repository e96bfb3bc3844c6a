//! Prometheus: the same counters and gauges as `status`, under stable names.
//!
//! Off unless an address is configured, and then only counts leave: no address, name or subject.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use mailreeve_api::status::StatusReply;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use tokio::net::TcpListener;

use crate::commands::Commands;

/// Serves `/metrics` until the runtime ends.
pub async fn serve(listener: TcpListener, commands: Arc<Commands>) -> std::io::Result<()> {
    let router = Router::new().route("/metrics", get(answer)).with_state(commands);
    axum::serve(listener, router).await
}

/// Binds the address of the metrics.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

async fn answer(State(commands): State<Arc<Commands>>) -> impl IntoResponse {
    let status = commands.status(true).await;
    let text = render(&status, commands.shard_time(), commands.without_next_event().await);
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}

fn render(status: &StatusReply, shard_time: [Histogram; 2], without_next_event: Option<i64>) -> String {
    let mut registry = Registry::with_prefix("mailreeve");
    let life = &status.lifetime;
    let counters = [
        ("messages_received", "Messages accepted", life.inj_msgs),
        ("recipients_received", "Recipients accepted", life.inj_recips),
        ("bounce_recipients_generated", "Recipients of reports made", life.gen_bounce_recips),
        ("recipients_rejected", "Recipients refused", life.rejected_recips),
        ("messages_dropped", "Messages dropped by a rule", life.dropped_msgs),
        ("soft_bounced_events", "Temporary failures", life.soft_bounced_evts),
        ("recipients_completed", "Recipients ended", life.completion.completed()),
        ("recipients_hard_bounced", "Recipients bounced", life.completion.hard()),
        ("recipients_delivered", "Recipients delivered", life.completion.delivered_recips),
        ("recipients_deleted", "Recipients deleted", life.completion.deleted_recips),
        (
            "recorder_recorded",
            "Attempts and conversations recorded since the start",
            status.recorder.recorded,
        ),
        (
            "recorder_dropped",
            "Attempts and conversations not recorded since the start",
            status.recorder.dropped,
        ),
    ];
    for (name, help, value) in counters {
        register(&mut registry, name, help, ConstCounter::new(value));
    }
    let now = &status.gauges;
    let gauges = [
        ("connections_inbound", "Inbound connections open", now.conn_in),
        ("connections_outbound", "Outbound connections open", now.conn_out),
        ("recipients_active", "Recipients waiting", now.active_recips),
        ("recipients_unattempted", "Recipients waiting, never tried", now.unattempted_recips),
        ("recipients_attempted", "Recipients waiting, tried before", now.attempted_recips),
        ("destinations", "Destinations in memory", now.dests_in_memory),
        ("spool_kilobytes_used", "Spool size", now.kbytes_used),
        ("spool_kilobytes_free", "Free space of the spool's disk", now.kbytes_free),
        ("resident_kilobytes", "Resident memory", now.ram_kbytes),
        ("recorder_kilobytes", "Conversations on disk", status.recorder.conversations_bytes / 1024),
    ];
    for (name, help, value) in gauges {
        register(&mut registry, name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    }
    let [inputs, questions] = shard_time;
    let help = "How long one input held the delivery shard";
    registry.register("delivery_shard_input_seconds", help, inputs);
    let help = "How long one question of an operator held the delivery shard";
    registry.register("delivery_shard_question_seconds", help, questions);
    // Where it cannot be told at this instant nothing is told: a guess would raise alarms.
    if let Some(count) = without_next_event {
        let help = "Recipients open by the ledger that nothing in the queue has";
        register(&mut registry, "recipients_without_next_event", help, ConstGauge::new(count));
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = encode(&mut text, &registry);
    text
}

fn register(registry: &mut Registry, name: &str, help: &str, metric: impl Metric) {
    registry.register(name, help, metric);
}
