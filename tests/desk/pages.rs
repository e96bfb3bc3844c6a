//! The pages as a browser asks for them: by role, with and without the form's token, and where there is nothing.

use crate::Setting;
use crate::http::{Reply, Request, get, post};
use crate::world::wait_until;

const PAGES: [&str; 10] = [
    "/monitor/delivery-status",
    "/monitor/delivery-status?sort=host&filter=x&offset=9",
    "/monitor/delivery-status?done=1.2.3.4.5.6",
    "/monitor/message-tracking",
    "/monitor/message-tracking?sender=ann&from=2h&state=queued",
    "/system/status",
    "/system/alerts",
    "/explain?q=hello",
    "/help/why",
    "/help/why/connect-refused",
];
const RETRY: &str = "/monitor/delivery-status/retry";

fn as_browser(request: Request, cookie: &str) -> Request {
    request.with("Cookie", cookie).with("Accept", "text/html,application/xhtml+xml")
}

impl Setting {
    fn retry(&self, cookie: &str, csrf: &str, back: &str) -> Reply {
        let form = as_browser(post(RETRY), cookie).with("Origin", &self.own());
        form.form(&[("csrf", csrf), ("back", back)]).send(self.desk)
    }
}

#[test]
fn each_role_sees_every_page_and_who_only_looks_has_no_button() {
    let setting = Setting::start();
    for (role, may_retry) in [("read-only", false), ("operator", true), ("administrator", true)] {
        let name = role.replace('-', ".");
        setting.desk_user(&format!("add {name} --role {role}"), "correct horse");
        let (cookie, csrf) = setting.session_of(&name, "correct horse");
        for page in PAGES {
            let reply = as_browser(get(page), &cookie).send(setting.desk);
            assert_eq!(reply.status, 200, "{role}: {page}");
            assert_eq!(reply.fields("content-type"), ["text/html; charset=utf-8"]);
            let is_list = page.starts_with("/monitor/delivery-status");
            assert_eq!(reply.body.contains("Retry All Delivery"), is_list && may_retry, "{role}: {page}");
            // Who can do something about it is told that the first secrets are still there.
            assert_eq!(
                reply.body.contains("Set a password (mailreeve desk-user"),
                role == "administrator",
                "{page}"
            );
        }
        let tried = setting.retry(&cookie, &csrf, "/monitor/delivery-status");
        assert_eq!(tried.status, if may_retry { 404 } else { 403 }, "{role}");
        for forged in ["", "x"] {
            assert_eq!(setting.retry(&cookie, forged, "/").status, 403, "{role}");
        }
    }
}

#[test]
fn a_retry_that_does_nothing_says_why_in_the_gateways_words() {
    let setting = Setting::start();
    let (cookie, csrf) = setting.session();
    let reply = setting.retry(&cookie, &csrf, "/monitor/delivery-status?sort=host");
    assert_eq!(reply.status, 404);
    assert!(reply.body.contains("nothing is waiting for delivery there"), "{}", reply.body);
    assert!(reply.body.contains("<body data-live=\"/monitor/delivery-status?sort=host\">"), "{}", reply.body);
    // It leads back to no other site and no other page.
    for back in ["https://evil.test/", "//evil.test", "/login"] {
        let reply = setting.retry(&cookie, &csrf, back);
        assert!(reply.body.contains("<body data-live=\"/monitor/delivery-status\">"), "{back}");
    }
}

#[test]
fn where_there_is_nothing_a_browser_sees_a_page_and_a_program_json() {
    let setting = Setting::start();
    let (cookie, _) = setting.session();
    let page = as_browser(get("/nothing/here"), &cookie).send(setting.desk);
    assert!(page.status == 404 && page.body.contains("There is no such page"), "{page:?}");
    let json = get("/nothing/here").with("Cookie", &cookie).send(setting.desk);
    assert_eq!((json.status, json.json()["error"]["kind"].as_str()), (404, Some("not_found")));
    // A session that is over leads to the login, whatever was asked.
    let over = "mailreeve=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let looked = as_browser(get("/system/status"), over).send(setting.desk);
    assert_eq!((looked.status, looked.fields("location")), (303, vec!["/login?next=%2Fsystem%2Fstatus"]));
    let tried = setting.retry(over, "x", "/");
    assert_eq!((tried.status, tried.fields("location")), (303, vec!["/login?next=%2F"]));
}

#[test]
fn what_is_changed_on_the_command_line_is_on_record_with_who_did_it() {
    let setting = Setting::start();
    setting.desk_user("add ann --role operator", "correct horse");
    let token = setting.desk_user("token monitor --role read-only --days 3", "");
    setting.desk_user("password ann", "a better horse");
    setting.desk_user("revoke monitor", "");
    setting.desk_user("list", "");
    wait_until("the record", || setting.gateway.log().contains("Command desk-user revoke monitor"));
    let log = setting.gateway.log();
    for line in [
        "Command desk-user add ann --role operator by ",
        "Command desk-user token monitor --role read-only --days 3 by ",
        "Command desk-user password ann by ",
        "(administrator) from command line",
    ] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
    assert_eq!(log.matches("Command desk-user").count(), 4, "{log}");
    assert!(!log.contains(&token) && !log.contains("horse"));
}

#[test]
fn what_an_address_asks_for_in_vain_is_told_with_the_way_back() {
    let setting = Setting::start();
    setting.desk_user("add ann --role read-only", "correct horse");
    let (cookie, _) = setting.session_of("ann", "correct horse");
    for (page, status, says, back) in [
        (
            "/monitor/message-tracking?mid=abc",
            400,
            "“abc” is not the number of a message",
            "/monitor/message-tracking",
        ),
        (
            "/monitor/message-tracking?page=zz&sender=a",
            400,
            "a page of the result",
            "/monitor/message-tracking?sender=a",
        ),
        (
            "/monitor/message-tracking?page=1-m1&seen=x",
            400,
            "a page of the result",
            "/monitor/message-tracking",
        ),
        ("/monitor/message-tracking?to=soon", 400, "“soon” is not a time", "/monitor/message-tracking"),
        ("/monitor/delivery-status?sort=zzz", 400, "cannot be sorted by “zzz”", "/monitor/delivery-status"),
        ("/monitor/delivery-status?offset=x", 400, "“x” is no place", "/monitor/delivery-status"),
        ("/help/why/nonsense", 404, "“nonsense” is no cause", "/help/why"),
        ("/monitor/conversations/dcid/9", 404, "Nothing of it is on record", "/monitor/message-tracking"),
        ("/monitor/conversations/dcid/x", 404, "There is no such page", "/monitor/delivery-status"),
    ] {
        let reply = as_browser(get(page), &cookie).send(setting.desk);
        assert_eq!(reply.status, status, "{page}: {}", reply.body);
        assert!(
            reply.body.contains(says) && reply.body.contains(&format!("href=\"{back}\"")),
            "{page}: {}",
            reply.body
        );
        assert!(!reply.body.contains('`'), "{page}: {}", reply.body);
    }
}
