//! The pieces of a text as the index takes them in.

use mailreeve_core::tracking::text::Pieces;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Cuts folded texts into pieces.
#[derive(Clone, Default)]
pub(super) struct Cutter;

/// The pieces of one text.
pub(super) struct Stream {
    pieces: Pieces,
    token: Token,
}

impl Tokenizer for Cutter {
    type TokenStream<'a> = Stream;

    fn token_stream(&mut self, text: &str) -> Stream {
        Stream { pieces: Pieces::of(text), token: Token::default() }
    }
}

impl TokenStream for Stream {
    fn advance(&mut self) -> bool {
        match self.pieces.next_into(&mut self.token.text) {
            Some(place) => {
                self.token.position = place;
                true
            }
            None => false,
        }
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
