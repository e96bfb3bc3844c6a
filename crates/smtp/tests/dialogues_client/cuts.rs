//! Every dialogue, cut short at every octet and between any two actions: by a peer that closes, and by time.

use std::collections::BTreeSet;

use super::driver::Driver;
use super::script::{Input, Script};
use super::{laws, scripts};

/// How a session is cut short.
#[derive(Clone, Copy, Debug)]
enum End {
    PeerCloses,
    TimeRunsOut,
}

/// What a dialogue played to its end accepts, and at which point: octets and actions count one each.
struct Course {
    points: usize,
    acceptances: Vec<(usize, u64)>,
}

fn course(script: &Script) -> Course {
    let mut driver = Driver::new(script);
    let mut course = Course { points: 0, acceptances: Vec::new() };
    let mut seen = BTreeSet::new();
    for (_, input, _) in &script.steps {
        match input {
            Input::Begin => {}
            Input::Octets(octets) => {
                for octet in octets {
                    driver.receive(&[*octet]);
                    course.points += 1;
                    for tag in laws::accepted(&driver.outputs).difference(&seen.clone()) {
                        assert_eq!(*octet, b'\n', "{}: {tag} accepted within a line", script.name);
                        course.acceptances.push((course.points, *tag));
                        seen.insert(*tag);
                    }
                }
            }
            Input::Action(action) => {
                driver.act(action);
                course.points += 1;
                let now = laws::accepted(&driver.outputs);
                assert_eq!(now, seen, "{}: accepted without a word of the peer's", script.name);
            }
        }
    }
    course
}

/// Plays a dialogue up to a point.
fn play_to(script: &Script, point: usize) -> Driver {
    let mut driver = Driver::new(script);
    let mut left = point;
    for (_, input, _) in &script.steps {
        match input {
            Input::Begin => {}
            Input::Octets(octets) => {
                let count = left.min(octets.len());
                if count > 0 {
                    driver.receive(&octets[..count]);
                }
                left -= count;
            }
            Input::Action(action) if left > 0 => {
                driver.act(action);
                left -= 1;
            }
            Input::Action(_) => {}
        }
        if left == 0 {
            break;
        }
    }
    driver
}

fn check(script: &Script, course: &Course, point: usize, end: End) -> Result<(), String> {
    let mut driver = play_to(script, point);
    let ran_out = matches!(end, End::TimeRunsOut) && driver.run_out();
    if !driver.session.closed() && ran_out {
        return Err("the session outlives its deadline".to_owned());
    }
    if !driver.session.closed() {
        driver.act(&super::script::Action::PeerClosed);
    }
    laws::hold(&driver)?;
    let due = course.acceptances.iter().filter(|(at, _)| *at <= point).map(|(_, tag)| *tag).collect();
    let accepted = laws::accepted(&driver.outputs);
    if accepted != due {
        return Err(format!("accepted are {accepted:?}, and {due:?} were confirmed"));
    }
    Ok(())
}

#[test]
fn nothing_is_accepted_or_lost_wrongly_wherever_a_dialogue_ends() {
    let (mut played, mut failures) = (0, Vec::new());
    for script in scripts().iter().filter(|script| !script.whole_only) {
        let course = course(script);
        // A flood is one state from its first line on.
        let stride = course.points.div_ceil(4000);
        for point in (0..=course.points).step_by(stride) {
            for end in [End::PeerCloses, End::TimeRunsOut] {
                played += 1;
                let checked = check(script, &course, point, end);
                failures
                    .extend(checked.err().map(|why| format!("{} at {point}, {end:?}: {why}", script.name)));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {played}:\n{}",
        failures.len(),
        failures[..failures.len().min(20)].join("\n")
    );
    assert!(played > 20_000, "only {played} ends were played");
}
