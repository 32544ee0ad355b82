//! Java properties files.

use encoding_rs::UTF_8;
use java_properties::{LineContent, PropertiesIter};

use super::{Entry, Source, Unusable};

/// The keys of a file in its order; of one that is there twice, the last, as Java reads it.
pub(super) fn read(source: Source<'_>) -> Result<Vec<Entry>, Unusable> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in PropertiesIter::new_with_encoding(source.text.as_bytes(), UTF_8) {
        let line = line.map_err(|error| Unusable {
            file: source.name.to_owned(),
            line: error.line_number(),
            why: error.to_string(),
        })?;
        let number = line.line_number();
        let LineContent::KVPair(key, value) = line.consume_content() else {
            continue;
        };
        entries.retain(|e| e.key != key);
        entries.push(Entry {
            file: source.name.to_owned(),
            line: number,
            label: key.clone(),
            key,
            value: value.trim().to_owned(),
        });
    }
    Ok(entries)
}
