//! Whole pages, compared whole: a line for each element, so that a difference is seen.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_page_as_html() {
    for (name, page) in every_page(Words::english(), &str::to_owned) {
        let html = page.into_string().replace('<', "\n<").replace("\n</", "</");
        insta::assert_snapshot!(name, html.trim_start());
    }
}

#[test]
fn who_only_looks_has_no_buttons() {
    let reader = Frame { operates: false, ..frame(Words::english()) };
    let page = delivery_status::page(&reader, &replies::delivery_status(&str::to_owned), None).into_string();
    assert!(!page.contains("/retry") && !page.contains("Retry All Delivery"));
    let page = destination::page(
        &reader,
        &replies::host_status(&str::to_owned),
        &replies::nobody(),
        None,
        None,
        None,
    );
    assert!(!page.into_string().contains("/retry"));
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (name, page) in every_page(Words::english(), &str::to_owned) {
        let html = page.into_string();
        for form in html.split("<form").skip(1).filter(|form| form.contains("method=post")) {
            let form = form.split("</form>").next().unwrap_or_default();
            let is_login = form.contains("action=\"/login\"");
            assert!(is_login || form.contains("name=csrf value=\"0f1e2d\""), "{name}: {form}");
        }
    }
}

#[test]
fn every_cause_leads_to_its_page() {
    let frame = frame(Words::english());
    let list = help::list(&frame).into_string();
    for page in pages::PAGES {
        assert!(list.contains(&format!("href=\"{}\"", page.path())), "{}", page.code);
        let html = help::page(&frame, page).into_string();
        assert!(html.contains("<h2>What to do</h2><p>") && !html.contains('`'), "{html}");
    }
    let why = replies::explained(&str::to_owned);
    let page = explain::mailbox(&frame, "ann@a.example", "a.example", &why).into_string();
    assert!(page.contains("<a href=\"/help/why/connect-refused\">"), "{page}");
    let page = delivery_status::page(&frame, &replies::delivery_status(&str::to_owned), None).into_string();
    for code in ["connect-refused", "reply-4xx", "delivery-suspended", "destination-limit"] {
        assert!(page.contains(&format!("href=/help/why/{code}>")), "{code}");
    }
}

#[test]
fn one_reason_is_told_once() {
    let recipients = replies::recipients(&str::to_owned).recipients;
    assert_eq!(recipients[0].why, recipients[1].why);
    let page =
        every_page(Words::english(), &str::to_owned).into_iter().find(|(name, _)| *name == "destination");
    let page = page.map(|(_, page)| page.into_string()).unwrap_or_default();
    assert_eq!(page.matches(&recipients[0].why).count(), 1);
}

#[test]
fn many_reasons_are_folded() {
    let frame = frame(Words::english());
    let mut reply = replies::delivery_status(&str::to_owned);
    let reason = reply.cohorts[1].clone();
    let mut reasons = |count| {
        reply.cohorts = vec![reason.clone(); count];
        delivery_status::page(&frame, &reply, None).into_string()
    };
    assert!(!reasons(7).contains("<details"));
    let page = reasons(9);
    let (_, folded) =
        page.split_once("<details class=more><summary>3 reasons more, 123 recipients in all").unwrap();
    assert_eq!(folded.matches("<li class=bad>").count(), 3);
}
