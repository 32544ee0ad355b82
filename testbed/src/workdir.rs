//! The folder of one test run: brokers' data, logs, topology files. Gone when the process is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// A new folder of its own within the run's folder.
pub fn new_folder(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = root().join(format!("{number}-{name}"));
    fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
}

fn root() -> &'static Path {
    /// The reaper's standard input: it ends when we do, whatever the reason.
    static REAPER: Mutex<Option<ChildStdin>> = Mutex::new(None);
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = std::env::temp_dir().join(format!("crossdock-testbed-{}", std::process::id()));
        fs::create_dir_all(&root).expect("the temporary folder can be written");
        // Brokers die with us (see `spawn`), but their data would stay: statics are never dropped.
        let script = "trap '' INT TERM HUP; while read -r _; do :; done; sleep 1; rm -rf -- \"$1\"";
        let reaper = Command::new("sh")
            .args(["-c", script, "reaper"])
            .arg(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let (Ok(mut reaper), Ok(mut slot)) = (reaper, REAPER.lock()) {
            *slot = reaper.stdin.take();
        }
        root
    })
}
