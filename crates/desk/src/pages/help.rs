//! Help: what each cause means, how it is known, what to do and who can; the pages that `explain` names.

use mailreeve_api::explain::pages::{Block, PAGES, Page};

use super::frame::{Body, Frame, Place};
use super::html::Html;

/// Where the list is; a page stands below it.
pub(crate) const PATH: &str = "/help/why";

/// Makes the page that lists every cause.
pub(crate) fn list(frame: &Frame<'_>) -> Html {
    let words = frame.words;
    let title = words.say("help.title");
    let mut main = Html::of("<h1>{}</h1><p class=sub>{}</p>", &[&title, &words.say("help.sub")]);
    main.put("<dl class=causes lang=en>", &[]);
    for page in PAGES {
        main.put("<dt><a class=m href=\"{}\">{}</a>", &[&page.path(), &page.code]);
        main.put("<dd>{}", &[&coded(&page.gist())]);
    }
    main.put("</dl>", &[]);
    frame.page(&Body { place: Place::Causes, title, as_of: None, live: None, main })
}

/// Makes the page of one cause.
pub(crate) fn page(frame: &Frame<'_>, page: &Page) -> Html {
    let words = frame.words;
    let title = Html::of("{}", &[&page.code]);
    let mut main = Html::of(
        "<p class=crumb><a href=\"{}\">{}</a></p><article class=prose lang=en><h1 class=m>{}</h1>",
        &[&PATH, &words.say("help.title"), &title],
    );
    for (number, block) in page.blocks().enumerate() {
        match block {
            Block::Heading(heading) => main.put("<h2>{}</h2>", &[&heading]),
            Block::Paragraph(text) if number == 0 => main.put("<p class=lead>{}</p>", &[&coded(&text)]),
            Block::Paragraph(text) => main.put("<p>{}</p>", &[&coded(&text)]),
        }
    }
    main.put("</article>", &[]);
    frame.page(&Body { place: Place::Causes, title, as_of: None, live: None, main })
}

/// The code of a cause, as a link to its page when it has one.
pub(crate) fn code(cause: &str) -> Html {
    match mailreeve_api::explain::pages::page(cause) {
        Some(page) => Html::of("<a href=\"{}\"><code>{}</code></a>", &[&page.path(), &cause]),
        None => Html::of("<code>{}</code>", &[&cause]),
    }
}

/// Text with what stands in backticks as code.
fn coded(text: &str) -> Html {
    let mut html = Html::new();
    for (number, part) in text.split('`').enumerate() {
        html.put(if number % 2 == 0 { "{}" } else { "<code>{}</code>" }, &[&part]);
    }
    html
}
