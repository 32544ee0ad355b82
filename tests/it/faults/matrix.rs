//! The table of the fault matrix is held against the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Rows that the matrix has: there is no 6, 8, 35 or 68.
fn rows() -> BTreeSet<u32> {
    (1..=73).filter(|n| ![6, 8, 35, 68].contains(n)).collect()
}

/// Rows that must be tests, whatever it takes.
fn is_indispensable(row: u32) -> bool {
    matches!(row, 1..=23 | 29 | 34..=43 | 48 | 53..=58)
}

/// The names of all tests from outside.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("it can be read");
            let mut lines = text.lines().map(str::trim);
            while lines.any(|line| line == "#[test]") {
                let line = lines.find(|line| line.starts_with("fn "));
                let name = line.and_then(|line| line[3..].split('(').next());
                found.extend(name.map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_row_of_the_fault_matrix_is_a_test_that_is_there_or_is_listed_with_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/reliability.md")).expect("it is there");
    let mut known = BTreeSet::new();
    tests(&root.join("tests/it"), &mut known);
    let mut told: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| F")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let row: u32 = cells[1][1..].parse().expect("a row has a number");
        let names = cells[3].split('`').skip(1).step_by(2);
        let before = told.insert(row, names.map(str::to_owned).collect());
        assert_eq!(before, None, "F{row:02} is there twice");
        assert!(
            !cells[3].is_empty(),
            "F{row:02} has neither test nor reason"
        );
    }
    assert_eq!(told.keys().copied().collect::<BTreeSet<_>>(), rows());
    let untested: Vec<u32> = told
        .iter()
        .filter(|(_, names)| names.is_empty())
        .map(|(row, _)| *row)
        .collect();
    assert!(untested.len() <= 10, "{untested:?} are not tested");
    assert!(
        !untested.iter().any(|row| is_indispensable(*row)),
        "{untested:?}"
    );
    for (row, names) in &told {
        for name in names {
            assert!(known.contains(name), "F{row:02}: there is no test {name}");
        }
    }
}
