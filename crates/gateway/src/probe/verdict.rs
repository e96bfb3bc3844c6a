//! What delivery would make of what a probe met, in a code and a sentence.

use mailreeve_api::probe::{AddressProbe, ProbeVerdict, ProbeWay, TestMessage};
use mailreeve_core::event::Failure;

/// The verdict of a failure, with the code of its cause.
pub(super) fn of_failure(failure: &Failure) -> ProbeVerdict {
    let text = failure.words();
    let text = if failure.code == 0 { text } else { format!("{} {text}", failure.code) };
    ProbeVerdict { usable: false, code: failure.cause.code().to_owned(), text }
}

/// A verdict that no failure of delivery stands for.
pub(super) fn of_code(code: &str, text: String) -> ProbeVerdict {
    ProbeVerdict { usable: false, code: code.to_owned(), text }
}

pub(super) fn ok(text: String) -> ProbeVerdict {
    ProbeVerdict { usable: true, code: "ok".to_owned(), text }
}

/// The time for the whole probe was over.
pub(super) fn unfinished() -> ProbeVerdict {
    of_code("unfinished", "not finished: the time for the whole probe was over".to_owned())
}

/// All verdicts in one. The address that delivery tries first speaks for those that fail.
pub(super) fn of_all(way: &ProbeWay, addresses: &[AddressProbe], sent: Option<&TestMessage>) -> ProbeVerdict {
    if let Some(problem) = &way.problem {
        return problem.clone();
    }
    if let Some(sent) = sent {
        return of_test_message(sent);
    }
    let usable = addresses.iter().filter(|address| address.verdict.usable).count();
    let all = addresses.len();
    match (addresses.first(), usable) {
        (None, _) => of_code("no-address", "there is no address to go to".to_owned()),
        (Some(_), 1) if all == 1 => ok("its address takes mail".to_owned()),
        (Some(_), count) if count == all => ok(format!("all {all} addresses take mail")),
        (Some(first), 0) => {
            let ProbeVerdict { code, text, .. } = first.verdict.clone();
            let whose = if all == 1 { "its address takes no mail" } else { "no address takes mail" };
            ProbeVerdict { usable: false, code, text: format!("{whose}: {text}") }
        }
        (Some(_), count) => ok(format!("{count} of {all} addresses take mail")),
    }
}

fn of_test_message(sent: &TestMessage) -> ProbeVerdict {
    let TestMessage { mid, state, ended, .. } = sent;
    match (*ended, state.as_str()) {
        (true, "delivered") => ok(format!("the test message was delivered: MID {mid}")),
        (true, state) => of_code(state, format!("the test message ended undelivered: MID {mid}")),
        (false, state) => {
            let text = format!("the test message still waits; it is tried as any mail: `explain {mid}`");
            of_code(if state.is_empty() { "queued" } else { state }, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_address_is_enough() {
        let address = |usable: bool| AddressProbe {
            verdict: match usable {
                true => ok("fine".to_owned()),
                false => ProbeVerdict { usable, code: "no-route".into(), text: "No route to host".into() },
            },
            ..AddressProbe::default()
        };
        let sum = |usable: &[bool]| {
            let addresses: Vec<AddressProbe> = usable.iter().copied().map(address).collect();
            let verdict = of_all(&ProbeWay::default(), &addresses, None);
            (verdict.usable, verdict.code, verdict.text)
        };
        let of = |usable, code: &str, text: &str| (usable, code.to_owned(), text.to_owned());
        assert_eq!(sum(&[true]), of(true, "ok", "its address takes mail"));
        assert_eq!(sum(&[true, true]), of(true, "ok", "all 2 addresses take mail"));
        assert_eq!(sum(&[false, true]), of(true, "ok", "1 of 2 addresses take mail"));
        assert_eq!(sum(&[false, false]), of(false, "no-route", "no address takes mail: No route to host"));
        assert_eq!(sum(&[]), of(false, "no-address", "there is no address to go to"));
    }
}
