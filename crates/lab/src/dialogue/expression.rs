//! Bytes written as an expression: string literals, `+`, `*` with a number, and parentheses.
//!
//! `('a' * 70 + '\r\n') * 1000` is 72,000 bytes. What would be larger than 64 MiB is refused.

/// The most bytes that an expression may come to.
const LIMIT: usize = 64 << 20;
/// How deep parentheses may be nested.
const DEPTH: usize = 32;

/// Evaluates an expression that comes to bytes.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut reader = Reader { rest: text.trim(), depth: 0 };
    let value = reader.sum()?;
    if !reader.rest.is_empty() {
        return Err(format!("`{}` left over in an expression", reader.rest));
    }
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        Value::Number(_) => Err("a number where bytes are wanted".to_owned()),
    }
}

enum Value {
    Bytes(Vec<u8>),
    Number(usize),
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<Value, String> {
        let mut sum = self.product()?;
        while self.operator('+') {
            sum = match (sum, self.product()?) {
                (Value::Bytes(one), Value::Bytes(other)) if one.len() + other.len() <= LIMIT => {
                    Value::Bytes([one, other].concat())
                }
                (Value::Number(one), Value::Number(other)) => Value::Number(one.saturating_add(other)),
                _ => return Err("`+` needs two strings (of 64 MiB at most) or two numbers".to_owned()),
            };
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<Value, String> {
        let mut product = self.single()?;
        while self.operator('*') {
            product = match (product, self.single()?) {
                (Value::Bytes(bytes), Value::Number(times)) | (Value::Number(times), Value::Bytes(bytes))
                    if bytes.len().saturating_mul(times) <= LIMIT =>
                {
                    Value::Bytes(bytes.repeat(times))
                }
                (Value::Number(one), Value::Number(other)) => Value::Number(one.saturating_mul(other)),
                _ => return Err("`*` needs a string and a number (64 MiB at most)".to_owned()),
            };
        }
        Ok(product)
    }

    fn single(&mut self) -> Result<Value, String> {
        let mut letters = self.rest.chars();
        match letters.next() {
            Some('(') => {
                self.rest = letters.as_str().trim_start();
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err("parentheses too deep".to_owned());
                }
                let value = self.sum()?;
                self.depth -= 1;
                if self.operator(')') { Ok(value) } else { Err("a `(` without `)`".to_owned()) }
            }
            Some('b') if self.rest[1..].starts_with(['\'', '"']) => {
                self.rest = &self.rest[1..];
                self.single()
            }
            Some(quote @ ('\'' | '"')) => {
                let (value, rest) = literal(letters.as_str(), quote)?;
                self.rest = rest.trim_start();
                Ok(Value::Bytes(value))
            }
            Some(digit) if digit.is_ascii_digit() => {
                let end = self.rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len());
                let (number, rest) = self.rest.split_at(end);
                self.rest = rest.trim_start();
                number.parse().map(Value::Number).map_err(|_| format!("{number} is too large"))
            }
            _ => Err(format!("expected a string, a number or `(` at `{}`", self.rest)),
        }
    }

    fn operator(&mut self, wanted: char) -> bool {
        let rest: Option<&'a str> = self.rest.strip_prefix(wanted);
        if let Some(rest) = rest {
            self.rest = rest.trim_start();
        }
        rest.is_some()
    }
}

/// Reads a string up to its quote. Returns it and what is behind it.
fn literal(text: &str, quote: char) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut letters = text.chars();
    loop {
        let letter = letters.next().ok_or("a string without end")?;
        if letter == quote {
            return Ok((bytes, letters.as_str()));
        }
        if letter != '\\' {
            bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match letters.next().ok_or("a string without end")? {
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            '0' => bytes.push(0),
            'x' => {
                let digits: String = letters.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2);
                bytes.push(byte.ok_or_else(|| format!("`\\x{digits}` is no byte"))?);
            }
            other @ ('\\' | '\'' | '"') => bytes.push(other as u8),
            other => return Err(format!("unknown escape `\\{other}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_come_to_bytes() {
        for (text, expected) in [
            (r"'.\n'", Ok(b".\n".to_vec())),
            (r"('ab' + '\r\n') * 2", Ok(b"ab\r\nab\r\n".to_vec())),
            (r#"2 * (1 + 1) * "x" + b'\x00\\\''"#, Ok(b"xxxx\0\\'".to_vec())),
            ("'\u{e9}'", Ok("\u{e9}".as_bytes().to_vec())),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for text in [
            "",
            "'a",
            "'a' 'b'",
            "('a'",
            "3",
            "'a' + 3",
            "'a' * 'b'",
            r"'\q'",
            r"'\xg1'",
            "'aa' * 99999999999",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert!(bytes(&"(".repeat(100_000)).is_err());
    }
}
