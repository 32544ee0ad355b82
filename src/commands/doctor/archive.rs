//! Everything in one archive.

use std::fs::{File, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use super::{Findings, masked};
use crate::clock;
use crate::exit::Failure;
use crate::load::Checked;
use crate::rollout::{Rollout, text};

/// Writes the archive; nobody but its owner may read it.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(
    path: &Path,
    checked: &Checked,
    rollout: &Rollout,
    found: &Findings,
) -> Result<(), Failure> {
    let mut files = vec![
        ("doctor.txt", found.text.clone()),
        ("doctor.json", json(&found.whole)),
        ("topology.yaml", masked(checked)),
        ("plan.txt", text::plan(&rollout.plan, false)),
        ("settings.json", json(&found.whole["settings"])),
        ("running.json", json(&found.whole["running"])),
    ];
    files.extend(found.metrics.clone().map(|page| ("metrics.txt", page)));
    pack(path, &files)
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Failure::CannotStart)
}

fn json(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn pack(path: &Path, files: &[(&str, String)]) -> std::io::Result<()> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    // One that was there before keeps its mode by itself.
    file.set_permissions(Permissions::from_mode(0o600))?;
    let mut archive = Builder::new(GzEncoder::new(file, Compression::default()));
    for (name, content) in files {
        let mut header = Header::new_gnu();
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(clock::now_ms() / 1000).unwrap_or(0));
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, format!("doctor/{name}"), content.as_bytes())?;
    }
    archive.into_inner()?.finish()?.sync_all()
}
