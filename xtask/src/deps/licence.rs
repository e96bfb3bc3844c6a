//! SPDX licence expressions, as far as Cargo manifests use them: identifiers, `AND`, `OR`, `WITH`, brackets,
//! and the old `/` for `OR`.

use std::collections::BTreeSet;

/// Whether an expression can be satisfied with allowed licences only. What cannot be read is not allowed.
pub(super) fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut parser = Parser { words: spaced.split_whitespace().peekable(), allowed };
    parser.either() == Some(true) && parser.words.next().is_none()
}

struct Parser<'a, I: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<I>,
    allowed: &'a BTreeSet<String>,
}

impl<'a, I: Iterator<Item = &'a str>> Parser<'a, I> {
    fn either(&mut self) -> Option<bool> {
        let mut allowed = self.both()?;
        while self.words.next_if_eq(&"OR").is_some() {
            allowed |= self.both()?;
        }
        Some(allowed)
    }

    fn both(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.words.next_if_eq(&"AND").is_some() {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        match self.words.next()? {
            "(" => {
                let inner = self.either()?;
                self.words.next_if_eq(&")").map(|_| inner)
            }
            ")" | "AND" | "OR" | "WITH" => None,
            name if self.words.next_if_eq(&"WITH").is_some() => {
                let exception = self.words.next()?;
                Some(self.allowed.contains(&format!("{name} WITH {exception}")))
            }
            name => Some(self.allowed.contains(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_weighed() {
        let allowed: BTreeSet<String> =
            ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        for (expression, expected) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("(MIT OR GPL-3.0) AND Apache-2.0", true),
            ("MIT AND (GPL-3.0 OR ISC)", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            // AND binds tighter than OR.
            ("MIT OR GPL-3.0 AND ISC", true),
            ("", false),
            ("MIT MIT", false),
            ("(MIT", false),
            ("MIT OR", false),
            ("OR MIT", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        }
    }
}
