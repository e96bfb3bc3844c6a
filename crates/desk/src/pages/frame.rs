//! What stands around every page: head, the Explain box, navigation, who is signed in.

use mailreeve_api::format::AsOf;

use super::help;
use super::html::Html;
use super::instant::clock_time;
use super::words::{Arg, Words};

/// The pages that navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Monitor > Delivery Status, and the details of a destination.
    DeliveryStatus,
    /// Monitor > Message Tracking, and the way of a message.
    MessageTracking,
    /// System > System Status.
    SystemStatus,
    /// System > Alerts.
    Alerts,
    /// Help > Causes, and the page of a cause.
    Causes,
    /// None of them.
    Elsewhere,
}

/// Who reads the page and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// The reader's language.
    pub(crate) words: &'static Words,
    /// The gateway's name.
    pub(crate) node: &'a str,
    /// Who is signed in.
    pub(crate) user: &'a str,
    /// May act on the queue, not only look.
    pub(crate) operates: bool,
    /// The first password and token still stand in a file, and this reader can do something about it.
    pub(crate) first_secrets: bool,
    /// Goes with every form, so that no other site can send one (see the session).
    pub(crate) form_token: &'a str,
    /// What is asked in the box.
    pub(crate) asked: &'a str,
}

/// What a page puts into the frame.
pub(crate) struct Body<'a> {
    /// Its place in the navigation.
    pub(crate) place: Place,
    /// Its name, for the window's title.
    pub(crate) title: Html,
    /// When its values were read, if it shows any.
    pub(crate) as_of: Option<&'a AsOf>,
    /// The address at which it reads itself again while it is open, if it does.
    pub(crate) live: Option<String>,
    /// What stands in `main`.
    pub(crate) main: Html,
}

impl Frame<'_> {
    /// Makes the whole page.
    pub(crate) fn page(&self, body: &Body<'_>) -> Html {
        let words = self.words;
        let mut html = head(words, &body.title);
        match &body.live {
            Some(address) => html.put("<body data-live=\"{}\">", &[address]),
            None => html.put("<body>", &[]),
        }
        html.put("<a class=skip href=\"#main\">{}</a>", &[&words.say("frame.skip")]);
        self.header(body, &mut html);
        self.navigation(body.place, &mut html);
        html.put("<main id=main tabindex=-1>", &[]);
        if self.first_secrets {
            html.put("<p class=\"said note\">{}</p>", &[&words.say("frame.first-secrets")]);
        }
        html.put("{}</main></body></html>", &[&body.main]);
        html
    }

    fn header(&self, body: &Body<'_>, html: &mut Html) {
        let words = self.words;
        html.put(
            "<header><button class=menu popovertarget=nav>{}</button><a class=brand href=\"/\">Mailreeve</a> \
             <span class=node>{}</span>",
            &[&words.say("frame.menu"), &self.node],
        );
        html.put(
            "<form class=ask role=search action=\"/explain\"><input name=q id=ask value=\"{}\" aria-label=\"{}\" \
             placeholder=\"{}\" title=\"{}\" maxlength=320 autocomplete=off spellcheck=false><kbd>/</kbd></form>",
            &[
                &self.asked,
                &words.say("ask.label"),
                &words.say("ask.placeholder"),
                &words.say("ask.title"),
            ],
        );
        html.put("<span class=stamp id=stamp>", &[]);
        if let Some(as_of) = body.as_of {
            let time = Arg::Piece(clock_time(as_of));
            html.add(&words.tell("frame.updated", &[("time", time)]));
        }
        html.put("</span>", &[]);
        if body.live.is_some() {
            self.pulse(html);
        }
        if !self.user.is_empty() {
            let title = words.tell("frame.user", &[("user", Arg::Text(self.user))]);
            html.put(
                "<form class=out method=post action=\"/logout\">{}<span class=user title=\"{}\">{}</span> \
                 <button class=quiet>{}</button></form>",
                &[&self.form_guard(), &title, &self.user, &words.say("frame.sign-out")],
            );
        }
        html.put("</header>", &[]);
    }

    /// Whether the page is live; in its attributes what the script says instead.
    fn pulse(&self, html: &mut Html) {
        let words = self.words;
        html.put(
            "<span class=pulse id=pulse role=status hidden data-lost=\"{}\" data-again=\"{}\" data-many=\"{}\" \
             data-over=\"{}\" data-enter=\"{}\">{}</span>",
            &[
                &words.say("frame.lost"),
                &words.say("frame.again"),
                &words.say("frame.many"),
                &words.say("frame.over"),
                &words.say("frame.enter"),
                &words.say("frame.live"),
            ],
        );
    }

    fn navigation(&self, here: Place, html: &mut Html) {
        let words = self.words;
        html.put("<nav id=nav popover aria-label=\"{}\">", &[&words.say("frame.pages")]);
        html.put("<h2>{}</h2>", &[&words.say("nav.monitor")]);
        self.link(here, Place::DeliveryStatus, "/monitor/delivery-status", "nav.delivery-status", html);
        self.link(here, Place::MessageTracking, "/monitor/message-tracking", "nav.message-tracking", html);
        html.put("<h2>{}</h2>", &[&words.say("nav.system")]);
        self.link(here, Place::SystemStatus, "/system/status", "nav.system-status", html);
        self.link(here, Place::Alerts, "/system/alerts", "nav.alerts", html);
        html.put("<h2>{}</h2>", &[&words.say("nav.help")]);
        self.link(here, Place::Causes, help::PATH, "nav.causes", html);
        html.put("</nav>", &[]);
    }

    fn link(&self, here: Place, to: Place, href: &'static str, key: &str, html: &mut Html) {
        let current = if here == to { " aria-current=page" } else { "" };
        html.put("<a href=\"{}\"{}>{}</a>", &[&href, &current, &self.words.say(key)]);
    }

    /// The hidden field that every form of ours carries.
    pub(crate) fn form_guard(&self) -> Html {
        Html::of("<input type=hidden name=csrf value=\"{}\">", &[&self.form_token])
    }
}

/// Everything up to `body`; nothing in it comes from anywhere else, and no script or style stands inside. Without
/// a referrer even for us, browsers would not say either that a form is ours (Fetch, section 3.2).
pub(crate) fn head(words: &Words, title: &Html) -> Html {
    let title = words.tell("frame.title", &[("page", Arg::Piece(title.clone()))]);
    Html::of(
        "<!doctype html><html lang=\"{}\"><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <meta name=color-scheme content=\"light dark\"><meta name=referrer content=same-origin><title>{}</title>\
         <link rel=icon href=\"/assets/mailreeve.svg\" type=\"image/svg+xml\">\
         <link rel=stylesheet href=\"/assets/mailreeve.css\"><script src=\"/assets/mailreeve.js\" defer></script></head>",
        &[&words.say("lang"), &title],
    )
}
