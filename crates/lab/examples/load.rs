//! Measures the generator straight into the sink: what is left for a gateway between them, at most.
//!
//! `cargo run --release -p mailreeve-lab --example load`

use std::io::{self, Write};
use std::time::Duration;

use mailreeve_lab::client::{self, Flow, Load, Quota};
use mailreeve_lab::host::Detail;
use mailreeve_lab::sink::Sink;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "sessions  KiB  flow       messages/s     p50 us     p99 us   p99.9 us")?;
    for (size, messages) in [(4 << 10, 200_000), (64 << 10, 20_000)] {
        for sessions in [20, 100] {
            for flow in [Flow::Pipelined, Flow::Chained] {
                let sink = Sink::start(([127, 0, 0, 1], 0).into(), Detail::Sums)?;
                let report = client::run(Load {
                    target: sink.address(),
                    sessions,
                    size,
                    flow,
                    quota: Quota::Total(messages),
                    deadline: Duration::from_secs(60),
                    ..Load::default()
                })?;
                if report.acked != sink.sums() || report.acked.messages != messages {
                    return Err(io::Error::other(format!("{:?} {:?} {report}", report.acked, sink.sums())));
                }
                writeln!(
                    out,
                    "{sessions:>8} {:>4}  {:<9} {:>11.0} {:>10} {:>10} {:>10}",
                    size >> 10,
                    format!("{flow:?}"),
                    report.rate(),
                    report.latency.quantile_us(0.5),
                    report.latency.quantile_us(0.99),
                    report.latency.quantile_us(0.999),
                )?;
            }
        }
    }
    Ok(())
}
