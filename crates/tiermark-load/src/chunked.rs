//! The chunked transfer coding (RFC 9112, 7.1), decoded incrementally and without a buffer.

/// The bytes that came are no HTTP/1 answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What the next byte is in the coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In a chunk's size, of which `digits` were read.
    Size { digits: u8 },
    /// In the extensions behind a size.
    Extension,
    /// At the line feed behind a size.
    SizeEnd,
    /// In a chunk's data.
    Data,
    /// At the carriage return behind the data.
    DataReturn,
    /// At the line feed behind the data.
    DataEnd,
    /// At the beginning of a trailer line, or of the empty line that ends all.
    TrailerStart,
    /// In a trailer line.
    Trailer,
    /// At the line feed that ends a trailer line.
    TrailerEnd,
    /// At the last line feed.
    LastEnd,
}

/// A decoder for one body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunks {
    at: At,
    /// Bytes left in this chunk; while its size is read, the size so far.
    left: u64,
}

/// More hexadecimal digits than these make no length that fits 60 bits.
const DIGITS_LIMIT: u8 = 15;

impl Chunks {
    pub(crate) fn new() -> Self {
        Self {
            at: At::Size { digits: 0 },
            left: 0,
        }
    }

    /// Decodes from the beginning of `bytes`, handing the data to `data`. Gives the number of bytes used and whether
    /// the body is whole.
    pub(crate) fn feed(&mut self, bytes: &[u8], data: &mut impl FnMut(&[u8])) -> Result<(usize, bool), Malformed> {
        let mut used = 0;
        while let Some(&byte) = bytes.get(used) {
            if self.at == At::Data {
                let rest = &bytes[used..];
                let part = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
                data(&rest[..part]);
                used += part;
                self.left -= part as u64;
                if self.left == 0 {
                    self.at = At::DataReturn;
                }
                continue;
            }
            used += 1;
            if self.at == At::LastEnd && byte == b'\n' {
                return Ok((used, true));
            }
            self.at = self.after(byte)?;
        }
        Ok((used, false))
    }

    /// The state of the coding after one byte of framing.
    fn after(&mut self, byte: u8) -> Result<At, Malformed> {
        let size_over = if self.left == 0 { At::TrailerStart } else { At::Data };
        Ok(match (self.at, byte) {
            (At::Size { digits }, _) if byte.is_ascii_hexdigit() && digits < DIGITS_LIMIT => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                self.left = self.left * 16 + u64::from(digit);
                At::Size { digits: digits + 1 }
            }
            (At::Size { digits: 1.. } | At::Extension, b'\r') => At::SizeEnd,
            (At::Size { digits: 1.. }, b';' | b' ' | b'\t') => At::Extension,
            (At::Extension, _) if byte != b'\n' => At::Extension,
            (At::SizeEnd, b'\n') => size_over,
            (At::DataReturn, b'\r') => At::DataEnd,
            (At::DataEnd, b'\n') => At::Size { digits: 0 },
            (At::TrailerStart, b'\r') => At::LastEnd,
            (At::Trailer, b'\r') => At::TrailerEnd,
            (At::TrailerStart | At::Trailer, _) if byte != b'\n' => At::Trailer,
            (At::TrailerEnd, b'\n') => At::TrailerStart,
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: Result<(&str, usize), Malformed>) {
        let mut data = Vec::new();
        let got = Chunks::new().feed(input.as_bytes(), &mut |part| data.extend_from_slice(part));
        match expected {
            Ok((body, used)) => assert_eq!((got, data.as_slice()), (Ok((used, true)), body.as_bytes()), "{input:?}"),
            Err(error) => assert_eq!(got, Err(error), "{input:?}"),
        }
    }

    #[test]
    fn decodes_and_refuses() {
        check("5\r\nhello\r\n0\r\n\r\nrest", Ok(("hello", 15)));
        check(
            "A;x=\"y\"\r\n0123456789\r\n1 \r\nz\r\n000\r\nT: 1\r\nU:\r\n\r\n",
            Ok(("0123456789z", 45)),
        );
        check("\r\n", Err(Malformed));
        check("g\r\n", Err(Malformed));
        check("5\nhello", Err(Malformed));
        check("1\r\nab", Err(Malformed));
        check("1234567812345678\r\n", Err(Malformed));
        check("0\r\n\n", Err(Malformed));
    }
}
