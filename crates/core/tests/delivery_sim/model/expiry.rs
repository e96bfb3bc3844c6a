//! Mail that gets old: reports of delay, and expiry.

use mailreeve_core::delivery::io::RecipientResult;
use mailreeve_core::envelope::RecipientState;
use mailreeve_core::ids::{Mid, Rid};

use super::{Model, Phase, Recipient, Scene, Verdict, Violation, require};
use crate::coverage::{Coverage, Point};

impl Model {
    pub(super) fn delay_report(
        &self,
        recipient: &Recipient,
        state: &RecipientState,
        report: bool,
        scene: Scene<'_>,
        coverage: &mut Coverage,
    ) -> Verdict {
        const LAW: &str = "a delay report is asked for, due, and sent once";
        let flag = state.delay_reported == (recipient.delay_reported || report);
        require(flag, LAW, || {
            format!("{:?} {:?}: reported {report}, state {}", state.mid, state.rid, state.delay_reported)
        })?;
        if !report {
            return Ok(());
        }
        coverage.hit(Point::ReportedDelay);
        let after = self.profile(&recipient.host).delay_report_seconds;
        let due = after.is_some_and(|seconds| recipient.may_be_too_old(seconds, scene.clock.steady));
        let asked = recipient.waiting.notify_delay && !recipient.waiting.null_sender;
        require(due && asked && !recipient.delay_reported, LAW, || {
            format!("{:?} {:?}: {recipient:?}", state.mid, state.rid)
        })
    }

    pub(super) fn expired(
        &mut self,
        mid: Mid,
        rid: Rid,
        recipient: &Recipient,
        scene: Scene<'_>,
    ) -> Result<Point, Violation> {
        const LAW: &str = "never expired early";
        let profile = self.profile(&recipient.host).clone();
        let attempting = matches!(
            recipient.phase,
            Phase::Attempting(_)
                | Phase::Resulted(_, RecipientResult::Delivered { .. } | RecipientResult::Hard(_))
        );
        require(!attempting, LAW, || format!("{mid:?} {rid:?} expires while {:?}", recipient.phase))?;
        if recipient.may_be_too_old(profile.queue_seconds, scene.clock.steady) {
            return Ok(Point::EndExpiredAge);
        }
        let failed = self
            .step
            .failed_try
            .as_mut()
            .filter(|failed| failed.host == recipient.host && failed.charged == 0);
        let counted = match (&recipient.phase, failed) {
            (Phase::Resulted(..), _) => true,
            (_, Some(failed)) => {
                failed.charged += 1;
                true
            }
            (_, None) => false,
        };
        let attempts = if counted {
            recipient.attempts_after().into_iter().max().unwrap_or(0)
        } else {
            recipient.attempts
        };
        require(attempts >= profile.attempts, LAW, || {
            format!(
                "{mid:?} {rid:?}: {attempts} of {} attempts, age {:?} of {} s",
                profile.attempts, recipient.born, profile.queue_seconds
            )
        })?;
        Ok(Point::EndExpiredAttempts)
    }
}
