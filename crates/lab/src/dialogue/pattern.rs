//! Regular expressions of the small kind that dialogues use, matched at the start of a line.
//!
//! Literals, `.`, `[a-z]`, `[^a-z]`, `\d \w \s`, groups, `|`, `*`, `+`, `?`, `^` and `$`. Matching takes time in
//! proportion to pattern times text, whatever both are (it follows all states at once).

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    program: Vec<Op>,
}

/// One instruction. `Fork` goes on at both places.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    One(Set),
    Fork(usize, usize),
    Jump(usize),
    Start,
    End,
    Found,
}

/// A set of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    ranges: Vec<(char, char)>,
    inverted: bool,
}

impl Set {
    fn contains(&self, letter: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != self.inverted
    }

    fn literal(letter: char) -> Self {
        Self { ranges: vec![(letter, letter)], inverted: false }
    }
}

/// The parsed form, before it becomes a program.
#[derive(Clone, Debug)]
enum Node {
    Set(Set),
    Start,
    End,
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat { node: Box<Node>, at_least_once: bool, at_most_once: bool },
}

impl Pattern {
    /// Compiles a pattern.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut parser = Parser { letters: text.chars().collect(), at: 0 };
        let node = parser.either()?;
        if parser.at < parser.letters.len() {
            return Err(format!("unmatched `)` in the pattern `{text}`"));
        }
        let mut program = Vec::new();
        emit(&node, &mut program);
        program.push(Op::Found);
        Ok(Self { program })
    }

    /// Whether the text starts with what the pattern says.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        let mut states = vec![false; self.program.len()];
        self.follow(0, 0, letters.len(), &mut states);
        for (at, letter) in letters.iter().enumerate() {
            if self.is_found(&states) {
                return true;
            }
            let mut next = vec![false; self.program.len()];
            for (state, _) in states.iter().enumerate().filter(|(_, active)| **active) {
                if let Op::One(set) = &self.program[state]
                    && set.contains(*letter)
                {
                    self.follow(state + 1, at + 1, letters.len(), &mut next);
                }
            }
            states = next;
        }
        self.is_found(&states)
    }

    fn is_found(&self, states: &[bool]) -> bool {
        states.iter().zip(&self.program).any(|(active, op)| *active && *op == Op::Found)
    }

    /// Marks the states that can be reached from `state` without reading a letter.
    fn follow(&self, state: usize, at: usize, end: usize, states: &mut [bool]) {
        let mut open = vec![state];
        while let Some(state) = open.pop() {
            if std::mem::replace(&mut states[state], true) {
                continue;
            }
            match &self.program[state] {
                Op::Fork(one, other) => open.extend([*one, *other]),
                Op::Jump(to) => open.push(*to),
                Op::Start if at == 0 => open.push(state + 1),
                Op::End if at == end => open.push(state + 1),
                Op::Start | Op::End | Op::One(_) | Op::Found => {}
            }
        }
    }
}

fn emit(node: &Node, program: &mut Vec<Op>) {
    match node {
        Node::Set(set) => program.push(Op::One(set.clone())),
        Node::Start => program.push(Op::Start),
        Node::End => program.push(Op::End),
        Node::Sequence(nodes) => nodes.iter().for_each(|node| emit(node, program)),
        Node::Either(nodes) => {
            let mut exits = Vec::new();
            for (index, node) in nodes.iter().enumerate() {
                let fork = program.len();
                let last = index + 1 == nodes.len();
                if !last {
                    program.push(Op::Jump(0));
                }
                emit(node, program);
                if !last {
                    exits.push(program.len());
                    program.push(Op::Jump(0));
                    program[fork] = Op::Fork(fork + 1, program.len());
                }
            }
            let end = program.len();
            exits.into_iter().for_each(|exit| program[exit] = Op::Jump(end));
        }
        Node::Repeat { node, at_least_once, at_most_once } => {
            let start = program.len();
            if !at_least_once {
                program.push(Op::Jump(0));
            }
            emit(node, program);
            if !at_most_once {
                let body = if *at_least_once { start } else { start + 1 };
                program.push(Op::Fork(body, program.len() + 1));
            }
            if !at_least_once {
                program[start] = Op::Fork(start + 1, program.len());
            }
        }
    }
}

struct Parser {
    letters: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn either(&mut self) -> Result<Node, String> {
        let mut choices = vec![self.sequence()?];
        while self.peek() == Some('|') {
            self.at += 1;
            choices.push(self.sequence()?);
        }
        Ok(if choices.len() == 1 { choices.remove(0) } else { Node::Either(choices) })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(letter) = self.peek().filter(|letter| !matches!(letter, '|' | ')')) {
            self.at += 1;
            let node = self.single(letter)?;
            nodes.push(self.repeated(node));
        }
        Ok(Node::Sequence(nodes))
    }

    fn repeated(&mut self, node: Node) -> Node {
        let (at_least_once, at_most_once) = match self.peek() {
            Some('*') => (false, false),
            Some('+') => (true, false),
            Some('?') => (false, true),
            _ => return node,
        };
        self.at += 1;
        Node::Repeat { node: Box::new(node), at_least_once, at_most_once }
    }

    fn single(&mut self, letter: char) -> Result<Node, String> {
        Ok(match letter {
            '.' => Node::Set(Set { ranges: vec![('\n', '\n')], inverted: true }),
            '^' => Node::Start,
            '$' => Node::End,
            '[' => Node::Set(self.set()?),
            '\\' => Node::Set(self.escaped()?),
            '(' => {
                let node = self.either()?;
                if self.take() != Some(')') {
                    return Err("a group without end in a pattern".to_owned());
                }
                node
            }
            '*' | '+' | '?' => return Err(format!("nothing to repeat before `{letter}` in a pattern")),
            other => Node::Set(Set::literal(other)),
        })
    }

    fn escaped(&mut self) -> Result<Set, String> {
        let letter = self.take().ok_or("a pattern that ends in `\\`")?;
        let (ranges, inverted) = match letter {
            'd' | 'D' => (vec![('0', '9')], letter == 'D'),
            'w' | 'W' => (vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')], letter == 'W'),
            's' | 'S' => (vec![(' ', ' '), ('\t', '\r')], letter == 'S'),
            other if other.is_ascii_alphanumeric() => {
                return Err(format!("unknown escape `\\{other}` in a pattern"));
            }
            other => (vec![(other, other)], false),
        };
        Ok(Set { ranges, inverted })
    }

    fn set(&mut self) -> Result<Set, String> {
        let mut ranges = Vec::new();
        let inverted = self.peek() == Some('^');
        self.at += usize::from(inverted);
        loop {
            let letter = self.take().ok_or("a set without end in a pattern")?;
            match letter {
                ']' if !ranges.is_empty() => return Ok(Set { ranges, inverted }),
                '\\' => ranges.extend(self.escaped()?.ranges),
                low if self.peek() == Some('-')
                    && self.letters.get(self.at + 1).is_some_and(|next| *next != ']') =>
                {
                    self.at += 1;
                    let high = self.take().ok_or("a set without end in a pattern")?;
                    ranges.push((low, high));
                }
                letter => ranges.push((letter, letter)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn patterns_match_from_the_start() {
        for (pattern, text, expected) in [
            ("220", "220 mx ESMTP", true),
            ("220", "x220", false),
            ("", "anything", true),
            ("250 .*HELP$", "250 some HELP", true),
            ("250 .*HELP$", "250 HELP me", false),
            ("5[05][0-9] ", "534 no", false),
            ("5[0-5][0-9] ", "554 no", true),
            ("[^2]", "250", false),
            (r"250[ -]2\.0\.0", "250-2.0.0", true),
            (r"250[ -]2\.0\.0", "250 2x0.0", false),
            ("(4|5)\\d\\d", "451", true),
            ("a(b|c|)d", "ad", true),
            ("a(b|c)*d", "abcbcd", true),
            ("a(bc)?d", "abcbcd", false),
            ("ab+c", "ac", false),
            ("ab+c", "abbbc", true),
            ("[]a]", "]", true),
            ("^^a", "a", true),
            ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().is_match(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["(a", "a)", "[a", "*", "a\\", "\\q"] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
