//! What goes on, as server-sent events (HTML, section 9.2).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use mailreeve_api::wire::{Problem, ProblemKind};
use tokio::sync::mpsc;

use crate::problem::Refusal;
use crate::visitor::Visitor;

/// After this a stream ends and the browser opens another one: so a session that is over ends its streams too.
const WHOLE: Duration = Duration::from_secs(300);
/// How soon it does.
const AGAIN: Duration = Duration::from_secs(2);
/// Events that a slow reader may be behind.
const BEHIND: usize = 2;

/// `event: delivery-status` about once a second; its data is a [`State`](crate::live::State).
pub(crate) async fn delivery_status(visitor: Visitor) -> Response {
    let Some(mut listener) = visitor.desk().live().listen() else {
        let problem = Problem::new("too many pages listen already", "close some, or reload pages by hand");
        return Refusal(problem.of(ProblemKind::TooMany)).into_response();
    };
    let (tell, events) = mpsc::channel(BEHIND);
    tokio::spawn(tokio::time::timeout(WHOLE, async move {
        if tell.send(Event::default().retry(AGAIN)).await.is_err() {
            return;
        }
        loop {
            let state = tokio::select! {
                state = listener.next() => state,
                () = tell.closed() => return,
            };
            let Some(state) = state else { return };
            if tell.send(Event::default().event("delivery-status").data(&*state)).await.is_err() {
                return;
            }
        }
    }));
    Sse::new(Events(events)).keep_alive(KeepAlive::default()).into_response()
}

/// The events of one listener.
struct Events(mpsc::Receiver<Event>);

impl futures_util::Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
