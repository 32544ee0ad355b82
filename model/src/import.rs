//! Existing configuration of other replicators, turned into the text of a topology file.
//!
//! Every key of the old files is answered for: it is carried over, it is not needed here (and why),
//! or it is lost, because crossdock does nothing of the kind. What comes out is text with comments,
//! to be read by a person and checked like any other topology.

mod client;
mod command;
mod mm1;
mod mm2;
mod outline;
mod properties;
mod strimzi;

use std::fmt;

pub use mm1::mm1;
pub use mm2::mm2;
pub use strimzi::strimzi;

/// A file that is imported.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its name, as messages call it.
    pub name: &'a str,
    /// Its content.
    pub text: &'a str,
}

/// What came of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The topology file.
    pub topology: String,
    /// What is to be said of single keys, in the files' order.
    pub remarks: Vec<Remark>,
    /// How many keys were carried over as they are.
    pub carried: usize,
}

/// What is said of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Name of the file.
    pub file: String,
    /// Line of the key, from 1.
    pub line: usize,
    /// The key.
    pub key: String,
    /// What became of it.
    pub fate: Fate,
    /// Why, or what takes its place, as a clause. Never the value of a secret.
    pub why: String,
}

/// What became of a key that is not carried over as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there in another form.
    Changed,
    /// It would have no effect: what it is for happens anyway, or is not needed.
    Unneeded,
    /// Nothing takes its place.
    Lost,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "changed",
            Self::Unneeded => "not needed",
            Self::Lost => "lost",
        })
    }
}

/// Why files cannot be imported at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Name of the file; empty where none of them is to blame alone.
    pub file: String,
    /// Line, from 1, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub why: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.as_str(), self.line) {
            ("", _) => f.write_str(&self.why),
            (file, None) => write!(f, "{file}: {}", self.why),
            (file, Some(line)) => write!(f, "{file}:{line}: {}", self.why),
        }
    }
}

impl std::error::Error for Unusable {}

/// One key of an old file.
#[derive(Clone, Debug)]
struct Entry {
    file: String,
    line: usize,
    /// As its reader knows it, in one notation for all kinds of files.
    key: String,
    /// As it is written.
    label: String,
    value: String,
}

impl Entry {
    fn remark(&self, fate: Fate, why: impl Into<String>) -> Remark {
        Remark {
            file: self.file.clone(),
            line: self.line,
            key: self.label.clone(),
            fate,
            why: why.into(),
        }
    }

    fn is_true(&self) -> bool {
        self.value.trim().eq_ignore_ascii_case("true")
    }
}

/// Collects what is said of keys while files are gone through.
#[derive(Debug, Default)]
struct Remarks {
    list: Vec<Remark>,
    carried: usize,
}

impl Remarks {
    fn carried(&mut self) {
        self.carried += 1;
    }

    fn changed(&mut self, entry: &Entry, why: impl Into<String>) {
        self.list.push(entry.remark(Fate::Changed, why));
    }

    fn unneeded(&mut self, entry: &Entry, why: impl Into<String>) {
        self.list.push(entry.remark(Fate::Unneeded, why));
    }

    fn lost(&mut self, entry: &Entry, why: impl Into<String>) {
        self.list.push(entry.remark(Fate::Lost, why));
    }

    /// In the order of the files as given, then of their lines.
    fn finish(mut self, topology: String, files: &[Source<'_>]) -> Imported {
        let rank = |file: &str| files.iter().position(|f| f.name == file);
        self.list.sort_by_key(|r| (rank(&r.file), r.line));
        Imported {
            topology,
            remarks: self.list,
            carried: self.carried,
        }
    }
}

/// A name of a topology made of any text.
fn topology_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(60);
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        "imported".to_owned()
    } else {
        name.to_owned()
    }
}

/// A list of regexes as MirrorMaker writes it: separated by commas.
fn patterns(text: &str) -> Vec<String> {
    text.split(',')
        .map(|p| p.trim().trim_matches(['"', '\'']).trim())
        .filter(|p| !p.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
