//! The line about a probe.

use super::line::Pen;
use crate::event::ProbeSum;

/// How many addresses of a destination take mail, and what the first of them says that does not.
pub(super) fn probed(pen: &mut Pen<'_>, host: &str, sum: &ProbeSum, by: &str) {
    let ProbeSum { addresses, usable, code, text } = sum;
    let line = pen.info().text("Probe of ").clean(host).text(" by ").clean(by).text(": ");
    let line = line.number(u64::from(*usable)).text(" of ").number(u64::from(*addresses));
    let line = line.text(if *addresses == 1 { " address takes mail" } else { " addresses take mail" });
    line.text(" (").clean(code).text(": ").clean(text).text(")");
}
