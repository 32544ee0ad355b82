//! The command line of kafka-mirror-maker.sh: its topics and streams are nowhere else.

use super::{Entry, Source, Unusable};

/// What the command is called.
const SCRIPT: &str = "kafka-mirror-maker";

/// Whether a file holds the command: a script, a systemd unit.
pub(super) fn is_in(text: &str) -> bool {
    text.contains(SCRIPT)
}

/// Options without a value.
const FLAGS: [&str; 3] = ["new.consumer", "help", "version"];

/// The options of the first command in a file, by their names without dashes.
pub(super) fn read(source: Source<'_>) -> Result<Vec<Entry>, Unusable> {
    let mut logical = String::new();
    let mut begins = 0;
    for (number, line) in source.text.lines().enumerate() {
        let is_comment = line.trim_start().starts_with('#');
        if logical.is_empty() && (is_comment || !is_in(line)) {
            continue;
        }
        if logical.is_empty() {
            begins = number + 1;
        }
        match line.trim_end().strip_suffix('\\') {
            Some(part) => logical.push_str(part),
            None => {
                logical.push_str(line);
                break;
            }
        }
    }
    let unusable = |why: &str| Unusable {
        file: source.name.to_owned(),
        line: Some(begins),
        why: why.to_owned(),
    };
    let words = shlex::split(&logical).ok_or_else(|| unusable("a quote is not closed"))?;
    let after = words.into_iter().skip_while(|word| !is_in(word)).skip(1);
    Ok(options(after, source.name, begins))
}

/// Options out of words, up to where the shell takes over.
pub(super) fn options(words: impl Iterator<Item = String>, file: &str, line: usize) -> Vec<Entry> {
    let is_shells = |word: &String| {
        matches!(word.as_str(), ";" | "&" | "&&" | "||" | "|")
            || word.starts_with(['>', '<'])
            || word.starts_with("2>")
    };
    let mut words = words.take_while(|word| !is_shells(word)).peekable();
    let mut entries = Vec::new();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--") else {
            continue;
        };
        let (key, value) = match option.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None if FLAGS.contains(&option) => (option, None),
            None => (option, words.next_if(|next| !next.starts_with("--"))),
        };
        entries.push(Entry {
            file: file.to_owned(),
            line,
            key: key.to_owned(),
            label: format!("--{key}"),
            value: value.unwrap_or_default(),
        });
    }
    entries
}
