//! From a list of targets to the first connection that takes transactions.

use mailreeve_core::delivery::io::{AddressTry, Target, TlsMode};
use mailreeve_core::event::Stage;

use super::refusal::{Refusal, local};
use super::story::Story;
use super::{Outbound, Plan};
use crate::deliver::connect::{self, Manner};

/// Tries targets until one is ready for transactions; where none is, the story of it comes back.
pub(super) async fn open(
    plan: &mut Plan,
    mut story: Box<Story>,
    failed: &mut Vec<AddressTry>,
) -> Result<Outbound, Box<Story>> {
    let manner = Manner {
        timeout: plan.running.connect_timeout,
        sources: plan.running.source_addresses.clone(),
        v4_first: plan.running.surroundings.families.v4_first(),
    };
    let mut targets = std::mem::take(&mut plan.targets);
    let mut again: Option<(Target, String)> = None;
    loop {
        let (in_clear, connected) = match again.take() {
            Some((target, why)) => {
                let mut one = vec![target];
                (Some(why), connect::first_answering(&mut one, failed, &manner, plan.context.clock).await)
            }
            None => (None, connect::first_answering(&mut targets, failed, &manner, plan.context.clock).await),
        };
        let Some(connected) = connected else {
            if targets.is_empty() {
                return Err(story);
            }
            continue;
        };
        let target = connected.target.clone();
        story.connected(&target, connected.stream.local_addr().ok());
        let refusal = match Outbound::start(plan, story, connected, in_clear).await {
            Ok(outbound) => return Ok(outbound),
            Err((refusal, back)) => {
                story = back;
                refusal
            }
        };
        match refusal {
            // Where TLS comes first there is no clear text to go back to.
            Refusal::TlsBroken { why, .. } if plan.tls == TlsMode::Preferred && !plan.implicit_tls => {
                plan.context.clear_text.remember(target.address.ip(), &why);
                again = Some((target, why));
            }
            Refusal::TlsBroken { why, cause } => {
                let text = format!("TLS failed: {why}");
                let failure = local(Stage::StartTls, cause, (4, 7, 5), text, target.address, plan);
                failed.push(AddressTry { target, failure });
            }
            Refusal::Failed(failure) => failed.push(AddressTry { target, failure }),
        }
    }
}
