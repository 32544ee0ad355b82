//! Any bytes as a topology file: no panic, no hang, memory bounded.
//!
//! `cargo +nightly fuzz run topology fuzz/corpus/topology topologies -- -timeout=10 -rss_limit_mb=1024`
//!
//! What it finds becomes a text of `model/tests/mutations.rs`.

#![no_main]

use crossdock_model::{file, graph};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Files of other encodings are refused before they are parsed.
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (draft, findings) = file::read(text, None);
    for finding in &findings {
        assert!(finding.span.start <= finding.span.end && finding.span.end <= text.len());
    }
    if let Some(draft) = draft {
        graph::check(&draft);
    }
    file::secrets(text);
});
