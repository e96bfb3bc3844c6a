//! What a record looks like in an index, and how it is asked for there.

use mailreeve_core::ids::{Icid, Mid};
use mailreeve_core::tracking::query::{host, message_id};
use mailreeve_core::tracking::text::{PIECE, folded, is_dense};
use mailreeve_core::tracking::{Gathered, Pattern, Query, Record, Tracked};
use tantivy::index::SegmentReader;
use tantivy::query::{AllQuery, BooleanQuery, PhraseQuery, Query as IndexQuery, TermQuery, TermSetQuery};
use tantivy::schema::{
    BytesOptions, FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{DocId, DocSet as _, Searcher, TERMINATED, TantivyDocument, Term};

use super::places;
use crate::ledger::Position;

/// Name of the tokenizer of texts.
pub(super) const PIECES: &str = "pieces";
/// Name of the field of numbers, for collectors.
pub(super) const KEY: &str = "key";
/// Name of the field of instants, for collectors.
pub(super) const BEGAN: &str = "began";

/// So many letters of a pattern are searched for a rare piece.
const RARER_WITHIN: usize = 64;

/// The fields of an index.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    key: Field,
    began: Field,
    sender: Field,
    recipient: Field,
    subject: Field,
    /// Everything that is only found whole, each sort with a letter of its own in front.
    word: Field,
    pub(super) places: Field,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let indexed = |tokenizer: &str, option| {
            let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer);
            TextOptions::default()
                .set_indexing_options(indexing.set_fieldnorms(false).set_index_option(option))
        };
        let text = indexed(PIECES, IndexRecordOption::WithFreqsAndPositions);
        Self {
            key: schema.add_u64_field(KEY, INDEXED | FAST),
            began: schema.add_u64_field(BEGAN, FAST),
            sender: schema.add_text_field("sender", text.clone()),
            recipient: schema.add_text_field("recipient", text.clone()),
            subject: schema.add_text_field("subject", text),
            word: schema.add_text_field("word", indexed("raw", IndexRecordOption::Basic)),
            places: schema.add_bytes_field("places", BytesOptions::default().set_stored()),
            schema: schema.build(),
        }
    }

    /// The document of a record.
    pub(super) fn document(&self, gathered: &Gathered<Position>) -> TantivyDocument {
        let record = &gathered.record;
        let mut document = TantivyDocument::default();
        document.add_u64(self.key, key(record.tracked));
        document.add_u64(self.began, record.began_at);
        if let Some(sender) = &record.sender {
            document.add_text(self.sender, folded(sender));
        }
        if let Some(subject) = &record.subject {
            document.add_text(self.subject, folded(subject));
        }
        for address in record.addressees() {
            document.add_text(self.recipient, folded(address));
        }
        for word in words_of(record) {
            document.add_text(self.word, word);
        }
        document.add_bytes(self.places, &places::write(&gathered.places, gathered.left_out));
        document
    }

    /// What finds the document of a record.
    pub(super) fn key_term(&self, tracked: Tracked) -> Term {
        Term::from_field_u64(self.key, key(tracked))
    }

    /// The documents of a number in a segment, replaced ones included.
    pub(super) fn docs_of(&self, number: u64, segment: &SegmentReader) -> tantivy::Result<Vec<DocId>> {
        let term = Term::from_field_u64(self.key, number);
        let postings = segment.inverted_index(self.key)?.read_postings(&term, IndexRecordOption::Basic)?;
        let mut docs = Vec::new();
        if let Some(mut postings) = postings {
            while postings.doc() != TERMINATED {
                docs.push(postings.doc());
                postings.advance();
            }
        }
        Ok(docs)
    }

    /// What finds every record with one of these words.
    pub(super) fn any_word(&self, words: &[String]) -> Box<dyn IndexQuery> {
        Box::new(TermSetQuery::new(words.iter().map(|word| Term::from_field_text(self.word, word))))
    }

    /// What finds the records of a query; the time is left to the collector.
    pub(super) fn query(&self, query: &Query, searcher: &Searcher) -> tantivy::Result<Box<dyn IndexQuery>> {
        let mut parts: Vec<Box<dyn IndexQuery>> = Vec::new();
        if let Some(mid) = query.mid {
            parts.push(term(self.key_term(Tracked::Message(mid))));
        }
        for word in words_asked(query) {
            parts.push(term(Term::from_field_text(self.word, &word)));
        }
        let texts = [
            (self.sender, &query.sender),
            (self.recipient, &query.recipient),
            (self.subject, &query.subject),
        ];
        for (field, pattern) in texts {
            if let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.fits_all()) {
                parts.push(text(field, pattern, searcher)?);
            }
        }
        Ok(match parts.len() {
            0 => Box::new(AllQuery),
            1 => parts.remove(0),
            _ => Box::new(BooleanQuery::intersection(parts)),
        })
    }
}

/// The number of a record in an index.
pub(super) const fn key(tracked: Tracked) -> u64 {
    match tracked {
        Tracked::Message(mid) => mid.0 << 1,
        Tracked::Connection(icid) => icid.0 << 1 | 1,
    }
}

/// The record of a number.
pub(super) const fn tracked(key: u64) -> Tracked {
    match key & 1 {
        0 => Tracked::Message(Mid(key >> 1)),
        _ => Tracked::Connection(Icid(key >> 1)),
    }
}

fn words_of(record: &Record) -> Vec<String> {
    let mut words = Vec::with_capacity(12);
    words.extend(record.icid.map(|icid| format!("c{icid}")));
    words.extend(record.message_id.as_deref().map(|id| format!("m{}", message_id(id))));
    words.extend(record.addresses.iter().map(|address| format!("a{address}")));
    words.extend(record.hosts.iter().map(|host| format!("h{host}")));
    words.extend(record.kinds.iter().map(|kind| format!("k{}", kind.word())));
    words.extend(record.states().iter().map(|state| format!("s{}", state.word())));
    words
}

fn words_asked(query: &Query) -> Vec<String> {
    let words = [
        query.icid.map(|icid| format!("c{icid}")),
        query.message_id.as_deref().map(|id| format!("m{}", message_id(id))),
        query.ip.map(|ip| format!("a{}", ip.to_canonical())),
        query.host.as_deref().map(|name| format!("h{}", host(name))),
        query.kind.map(|kind| format!("k{}", kind.word())),
        query.state.map(|state| format!("s{}", state.word())),
    ];
    words.into_iter().flatten().collect()
}

fn term(term: Term) -> Box<dyn IndexQuery> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// What finds a pattern in a text: its pieces, one behind the other.
fn text(field: Field, pattern: &Pattern, searcher: &Searcher) -> tantivy::Result<Box<dyn IndexQuery>> {
    let letters: Vec<char> = pattern.bounded().chars().collect();
    let piece = |at: usize| Term::from_field_text(field, &letters[at..at + PIECE].iter().collect::<String>());
    match letters.as_slice() {
        [one, two] if is_dense(*one) && is_dense(*two) => {
            Ok(term(Term::from_field_text(field, &letters.iter().collect::<String>())))
        }
        [_] | [_, _] => {
            let terms = beginning_with(field, &letters.iter().collect::<String>(), searcher)?;
            Ok(Box::new(TermSetQuery::new(terms)))
        }
        [_, _, _] => Ok(term(piece(0))),
        _ => {
            // Every third piece and the last one hold every letter.
            let last = letters.len() - PIECE;
            let mut places: Vec<usize> = (0..last).step_by(PIECE).chain([last]).collect();
            places.extend(rarer(&places, last, piece, searcher)?);
            places.sort_unstable();
            Ok(Box::new(PhraseQuery::new_with_offset(places.into_iter().map(|at| (at, piece(at))).collect())))
        }
    }
}

/// A piece that is much rarer than those at `places`, if there is one: it leaves few texts to be looked at.
fn rarer(
    places: &[usize],
    last: usize,
    piece: impl Fn(usize) -> Term,
    searcher: &Searcher,
) -> tantivy::Result<Option<usize>> {
    let (mut rarest, mut covering) = (None, u64::MAX);
    for at in 0..=last.min(RARER_WITHIN) {
        let texts = searcher.doc_freq(&piece(at))?;
        if places.contains(&at) {
            covering = covering.min(texts);
        } else if rarest.is_none_or(|(least, _)| texts < least) {
            rarest = Some((texts, at));
        }
    }
    Ok(rarest.filter(|(texts, _)| *texts < covering / 2).map(|(_, at)| at))
}

/// The pieces that begin so.
fn beginning_with(field: Field, start: &str, searcher: &Searcher) -> tantivy::Result<Vec<Term>> {
    let mut terms = Vec::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut stream = index.terms().range().ge(start.as_bytes()).into_stream()?;
        while stream.advance() && stream.key().starts_with(start.as_bytes()) {
            if let Ok(piece) = std::str::from_utf8(stream.key()) {
                terms.push(Term::from_field_text(field, piece));
            }
        }
    }
    Ok(terms)
}
