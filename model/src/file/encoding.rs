//! Bytes to text. YAML is UTF-8 or UTF-16 (YAML 1.2.2, section 5.2); PowerShell's `>` writes the latter.

use std::fmt;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// Bytes that are no text of an encoding that YAML knows.
#[derive(Debug, PartialEq, Eq)]
pub struct NotText {
    /// The line of the first wrong byte, from 1.
    pub line: usize,
    /// Its character in the line, from 1.
    pub column: usize,
    /// The byte; `None` where the file says itself that it is UTF-16, and is not.
    pub byte: Option<u8>,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, byte } = self;
        match byte {
            Some(byte) => write!(
                f,
                "line {line}, column {column} is not UTF-8 (byte 0x{byte:02X}): save the file as UTF-8"
            ),
            None => write!(f, "it begins as UTF-16 and is not: save the file as UTF-8"),
        }
    }
}

impl std::error::Error for NotText {}

/// The text of a file.
///
/// # Errors
/// It is neither UTF-8 nor UTF-16.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    let Some((wide, skip)) = utf_16(&bytes) else {
        return String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let (read, rest) = error.as_bytes().split_at(at);
            let read = String::from_utf8_lossy(read);
            let line = read.rsplit('\n').next().unwrap_or_default();
            NotText {
                line: read.matches('\n').count() + 1,
                column: line.trim_start_matches('\u{feff}').chars().count() + 1,
                byte: rest.first().copied(),
            }
        });
    };
    let text = wide.decode_without_bom_handling_and_without_replacement(&bytes[skip..]);
    text.map(|text| text.into_owned()).ok_or(NotText {
        line: 1,
        column: 1,
        byte: None,
    })
}

/// Which UTF-16 it is, by its mark or by its first character, and how long the mark is.
fn utf_16(bytes: &[u8]) -> Option<(&'static Encoding, usize)> {
    match bytes {
        [0xff, 0xfe, ..] => Some((UTF_16LE, 2)),
        [0xfe, 0xff, ..] => Some((UTF_16BE, 2)),
        [1..=0x7f, 0, next, 0, ..] if *next != 0 => Some((UTF_16LE, 0)),
        [0, 1..=0x7f, 0, next, ..] if *next != 0 => Some((UTF_16BE, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn both_encodings_of_yaml_are_read() {
        let text = "topology: t # 北京\n";
        for bytes in [
            text.as_bytes().to_vec(),
            utf_16(&format!("\u{feff}{text}"), u16::to_le_bytes),
            utf_16(&format!("\u{feff}{text}"), u16::to_be_bytes),
            utf_16(text, u16::to_le_bytes),
            utf_16(text, u16::to_be_bytes),
        ] {
            assert_eq!(decode(bytes).as_deref(), Ok(text));
        }
    }

    #[test]
    fn the_place_of_what_is_no_text_is_told() {
        let wrong = |bytes: &[u8]| decode(bytes.to_vec()).map_err(|error| error.to_string());
        // Latin-1, GBK, half a character of UTF-16.
        for (bytes, words) in [
            (
                &b"a: 1\n# caf\xe9\n"[..],
                "line 2, column 6 is not UTF-8 (byte 0xE9)",
            ),
            (
                b"# \xb1\xb1\xbe\xa9",
                "line 1, column 3 is not UTF-8 (byte 0xB1)",
            ),
            (b"\xff\xfea\0\x00\xd8", "begins as UTF-16"),
        ] {
            let error = wrong(bytes).expect_err("no text");
            assert!(error.contains(words), "{error}");
        }
    }
}
