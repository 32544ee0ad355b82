//! Orders that shell commands give to this process, through files: `crossdock drill` kills and revives
//! a cluster by shell commands, and the brokers are children of this process.

use std::path::{Path, PathBuf};

/// Orders in a folder of their own.
pub struct Orders {
    folder: PathBuf,
}

impl Orders {
    /// Orders that are given in this folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The shell command that gives an order: it ends when the order was obeyed.
    pub fn command(&self, word: &str) -> String {
        let file = self.folder.join(word).display().to_string();
        format!("touch {file}; while [ -e {file} ]; do sleep 0.02; done")
    }

    /// Does what is ordered by this word, if it was.
    pub fn obey(&self, word: &str, act: impl FnOnce()) {
        let file = self.folder.join(word);
        if file.exists() {
            act();
            std::fs::remove_file(file).expect("an order lies there until it was obeyed");
        }
    }
}
