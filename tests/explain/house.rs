//! Faults of our own: the disk, the name service, orders.

use std::fs;

use mailreeve_lab::dns::DeadServer;
use mailreeve_lab::host::{Detail, Temper};

use crate::setting::{Setting, commands, one_screen, shown, whole, world};
use crate::world::disk::SmallDisk;
use crate::world::places::all_to;
use crate::world::{Gateway, PATIENCE, Talk, address, wait_until};

/// O24: one cause for all domains, and it is ours.
#[test]
fn a_dead_resolver_is_one_cause_for_all_domains() {
    let net = world();
    let dead = DeadServer::start("127.0.0.1:0".parse().unwrap()).unwrap();
    let domains: Vec<String> = (0..3).map(|number| format!("d{number}.{}", net.domain_name())).collect();
    let hosts: Vec<_> = domains.iter().map(|domain| net.settle(domain, Temper::healthy()).unwrap()).collect();
    let setting = Setting::start(net, "");
    let text = fs::read_to_string(setting.gateway.config()).unwrap();
    let right = setting.net.dns().address().to_string();
    fs::write(setting.gateway.config(), text.replace(&right, &dead.address().to_string())).unwrap();
    setting.gateway.signal("HUP");
    wait_until("the dead name server is in force", || {
        setting.gateway.log().matches(" in force from ").count() == 2
    });
    for domain in &domains {
        setting.send(&format!("b@{domain}"));
    }
    for domain in &domains {
        let answer = setting.explained(domain, "queued", "resolver-unreachable");
        whole(&answer);
        assert_eq!(answer["verdict"]["owner"], "us");
        assert!(shown(&answer, "dns", ""), "{answer:#}");
    }
    let answer = setting.explain(&domains[1]);
    assert_eq!(answer["subject"]["destinations"], 3, "{answer:#}");
    assert!(commands(&answer).contains(&"delivernow all".to_owned()), "{answer:#}");
    fs::write(setting.gateway.config(), text).unwrap();
    setting.gateway.signal("HUP");
    wait_until("delivery goes on with the right name server", || {
        // Nothing waits any more once all of it went.
        let _ = setting.gateway.command("delivernow all");
        hosts.iter().all(|host| host.sums().messages == 1)
    });
}

/// O23, first half: a sender is refused because the disk is nearly full.
#[test]
fn a_sender_that_is_refused_for_the_disk_is_answered_for() {
    let mut gateway =
        Gateway::prepare("[queue]\nlow = \"1000 TiB\"\n[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n");
    gateway.spawn();
    wait_until("the gateway answers", || gateway.command("status").status.success());
    wait_until("mail is refused", || {
        let mut talk = Talk::with(gateway.smtp);
        talk.say("EHLO client.test");
        talk.say("MAIL FROM:<ann@refused.test>").starts_with("452 4.3.1")
    });
    let mut answer = serde_json::Value::Null;
    wait_until("the refusal is on record", || {
        answer = gateway.json("explain from ann@refused.test");
        shown(&answer, "reply", "4.3.1")
    });
    whole(&answer);
    assert_eq!(
        (answer["state"].as_str(), answer["verdict"]["cause"].as_str()),
        (Some("refused"), Some("refused-spool-space"))
    );
    assert_eq!(answer["verdict"]["owner"], "us");
    one_screen(&gateway.text("explain from refused.test"));
    gateway.configure("[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n");
    assert!(gateway.stop().success());
    gateway.run();
    let past = gateway.json("explain from ann@refused.test");
    assert_eq!(past["verdict"]["cause"], "refused-spool-space", "{past:#}");
    // Room is the remedy: mail is taken again.
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let taken = talk.send_mail("ann@refused.test", &["b@far.test"], "Subject: x\r\n\r\nx");
    assert!(taken.starts_with("250 "), "{taken}");
}

/// O23, second half: below the reserve delivery waits, and goes on when there is room.
#[test]
fn a_disk_without_reserve_is_named_and_room_moves_the_mail() {
    let next = std::net::SocketAddr::new(address(), 2525);
    let mut gateway = Gateway::prepare(&format!(
        "{}[queue]\nlow = \"60 MiB\"\nreserve = \"20 MiB\"\n[[bounce_profile]]\nname = \"default\"\n\
         initial = \"1s\"\nmax_interval = \"1s\"\n",
        all_to(next)
    ));
    let Some(disk) = SmallDisk::mount(&gateway.folder.path().join("data"), 200) else { return };
    gateway.run();
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    assert!(talk.send_mail("a@sender.test", &["b@far.test"], "Subject: x\r\n\r\nx").starts_with("250"));
    let mut answer = serde_json::Value::Null;
    wait_until("the disk is the cause", || {
        disk.leave(2);
        answer = gateway.json("explain far.test");
        answer["verdict"]["cause"] == "spool-space"
    });
    whole(&answer);
    assert_eq!(answer["verdict"]["owner"], "us");
    assert!(shown(&answer, "disk", "queue.reserve"), "{answer:#}");
    let sink = crate::world::places::sink_at(next);
    disk.clear();
    assert!(sink.wait_for(1, PATIENCE), "room moved nothing");
}

/// What an operator holds in the work queue is told with who, why and the command that lets it go.
#[test]
fn a_message_in_the_work_queue_is_released_by_the_command_that_is_told() {
    let net = world();
    let domain = net.domain_name();
    let host = net.settle_with(&domain, Temper::healthy(), Detail::default()).unwrap();
    let setting = Setting::start(net, "");
    setting.gateway.text("workqueue pause checking");
    setting.send(&format!("b@{domain}"));
    let answer = setting.explained(&format!("b@{domain}"), "held", "work-queue-paused");
    whole(&answer);
    assert_eq!(answer["verdict"]["owner"], "us");
    assert!(shown(&answer, "order", "checking"), "{answer:#}");
    assert_eq!(commands(&answer), ["workqueue resume"]);
    setting.gateway.text("workqueue resume");
    assert!(host.wait_for(1, PATIENCE));
}
