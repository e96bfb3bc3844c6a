//! `showmessage`, `oldmessage`: one stored message, for a person to look at.

use mailreeve_api::format::visible;
use mailreeve_api::message::{MessageReply, ShowMessage};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::delivery::io::Scope;
use mailreeve_core::ids::Mid;
use mailreeve_store::spool::{HEAD_BYTES, ReadError, Reader, StoredContent};

use super::{Commands, stopping};
use crate::context::Context;

/// Octets of content that are shown; those of larger ones stop at what can be verified by itself.
const SHOWN: usize = 1 << 20;

/// How much of a message is wanted.
#[derive(Clone, Copy)]
enum Part {
    Header,
    Content,
}

impl Commands {
    pub(super) async fn show_message(&self, request: &ShowMessage) -> Result<MessageReply, Problem> {
        reply(&self.context, Mid(request.mid), Part::Content).await
    }

    pub(super) async fn old_message(&self) -> Result<MessageReply, Problem> {
        let first = self
            .context
            .shard
            .ask(|delivery, now| delivery.recipients(&Scope::All, None, 1, now).recipients)
            .await
            .map_err(|_| stopping())?;
        let Some(oldest) = first.first() else {
            let hint = "`status` tells what the gateway does";
            return Err(Problem::new("no message waits for delivery", hint).of(ProblemKind::NotFound));
        };
        reply(&self.context, oldest.mid, Part::Header).await
    }
}

/// Age and header of a message, as shown before it is removed.
pub(super) async fn header_of(context: &Context, mid: Mid) -> Result<String, Problem> {
    let reply = reply(context, mid, Part::Header).await?;
    Ok(format!("{}\n\n{}\n", reply.title(), visible(&reply.content).trim_end()))
}

/// A message that cannot be shown, in words.
pub(super) fn gone(mid: Mid, error: &ReadError) -> Problem {
    match error {
        ReadError::NotFound(_) => {
            let hint =
                "it may have just ended, which the log tells; `showrecipients all` lists those that wait";
            Problem::new(format!("MID {mid} is not in the queue"), hint).of(ProblemKind::NotFound)
        }
        ReadError::Damaged { .. } | ReadError::Io(_) => Problem::internal(format!("MID {mid}: {error}")),
    }
}

async fn reply(context: &Context, mid: Mid, part: Part) -> Result<MessageReply, Problem> {
    let (reader, now) = (context.reader.clone(), context.clock.wall().0);
    let read = tokio::task::spawn_blocking(move || read(&reader, mid, part, now));
    match read.await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(gone(mid, &error)),
        Err(_) => Err(stopping()),
    }
}

fn read(reader: &Reader, mid: Mid, part: Part, now: u64) -> Result<MessageReply, ReadError> {
    let envelope = reader.envelope(mid)?;
    let shown = match part {
        Part::Header => reader.header(mid)?,
        Part::Content => match reader.content(mid)? {
            StoredContent::Memory(octets) => octets.slice(..octets.len().min(SHOWN)),
            StoredContent::File(_) => reader.head(mid, HEAD_BYTES)?,
        },
    };
    let cut = matches!(part, Part::Content) && (shown.len() as u64) < envelope.size;
    Ok(MessageReply {
        mid: mid.0,
        age_s: now.saturating_sub(envelope.accepted_at) / 1_000_000,
        size: envelope.size,
        sender: envelope.sender.to_string(),
        content: String::from_utf8_lossy(&shown).into_owned(),
        cut,
    })
}
