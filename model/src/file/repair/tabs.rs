//! Lines that tabs indent.

use super::{Edits, Mending, Mistake};
use crate::finding::{Code, Finding, Span};

pub(super) fn indented(edits: &Edits, mistake: &Mistake) -> Option<(Finding, Vec<Mending>)> {
    let upto = edits.line_end(mistake.at);
    let lines = tab_lines(edits.text());
    let is_cause = |start: usize| start <= upto || mistake.what.contains("tab");
    let (start, end, _) = lines.first().filter(|(start, ..)| is_cause(*start))?;
    let at = edits.origin(Span {
        start: *start,
        end: *end,
    });
    let more = match lines.len() - 1 {
        0 => String::new(),
        1 => ", and so is one more line".to_owned(),
        n => format!(", and so are {n} more lines"),
    };
    let finding = Finding::new(
        Code::YamlSyntax,
        at,
        format!("a tab indents this line{more}: YAML is indented by spaces"),
    )
    .label("tab")
    .help("replace each tab by two spaces");
    let mending = |(start, end, with): (usize, usize, String)| Mending { start, end, with };
    Some((finding, lines.into_iter().map(mending).collect()))
}

/// Lines that tabs indent: the place of the indentation, and what it was meant to be.
fn tab_lines(text: &str) -> Vec<(usize, usize, String)> {
    let mut at = 0;
    let mut lines = Vec::new();
    // Where the content of the line before begins, and how deep each number of tabs is.
    let mut before = 0;
    let mut depths: Vec<usize> = vec![0];
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - content.len()];
        if !content.trim().is_empty() && !content.starts_with('#') {
            let tabs = indent.matches('\t').count();
            let mut column = indent.len();
            if tabs > 0 {
                depths.truncate(tabs + 1);
                while depths.len() <= tabs {
                    depths.push(before);
                }
                // Spaces behind the tabs go on from there: `- ` and what is aligned with it.
                let spaces = indent.len() - indent.rfind('\t').map_or(0, |tab| tab + 1);
                column = depths[tabs] + spaces;
                lines.push((at, at + indent.len(), " ".repeat(column)));
            }
            let item = content
                .strip_prefix("- ")
                .map_or(0, |rest| content.len() - rest.trim_start().len());
            let opens = content.trim_end().ends_with(':');
            before = column + item + if opens { 2 } else { 0 };
        }
        at += line.len();
    }
    lines
}
