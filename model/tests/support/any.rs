//! What must hold for any bytes at all: the fuzz target runs it, and a test over its corpus.

use crossdock_model::{file, graph};

/// Reads and checks bytes as a topology file.
///
/// # Panics
/// Where a finding has no message, or its place does not stand in the text.
pub(crate) fn read_and_check(bytes: &[u8]) {
    // Other encodings than those of YAML are refused before anything is parsed.
    let Ok(text) = file::decode(bytes.to_vec()) else {
        return;
    };
    let (draft, mut findings) = file::read(&text, None);
    findings.extend(draft.iter().flat_map(|draft| graph::check(draft).findings));
    for finding in &findings {
        let span = finding.span;
        assert!(text.get(span.start..span.end).is_some(), "{finding:#?}");
        assert!(!finding.message.is_empty(), "{finding:#?}");
    }
    file::secrets(&text);
}
