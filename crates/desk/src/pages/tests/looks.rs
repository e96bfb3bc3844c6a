//! Whole pages, compared whole: a line for each element, so that a difference is seen.

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
