//! The pair is as before: nothing is left to bring home, and both sides are equal.

use crossdock_model::verify::Kind;

use super::Failback;
use crate::exit::Failure;
use crate::kafka::Error;
use crate::progress::Progress;
use crate::switch::{Seen, carry};
use crate::verify;

impl Failback<'_> {
    /// Nothing is left to bring home, no edge is fenced, and both sides are equal.
    pub(super) fn verify(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for edge in self.inverses().map_err(Failure::cluster)? {
            let carried = carry::run(&self.homeward, edge)?;
            match carried.records {
                0 => seen.and(format!("everything that was written at `{}` is home", edge.source)),
                late => seen.find(format!(
                    "{late} records were written at `{}` after the pause; they are home now, behind what was written there since: see that its producers have stopped",
                    edge.source
                )),
            }
        }
        for edge in self.stage.pair() {
            if let Some(since) = self.fenced_since(edge).map_err(Failure::cluster)? {
                seen.find(format!("edge {} is fenced since {since}", edge.name));
            }
        }
        if self
            .stage
            .home()
            .map_err(Failure::cluster)?
            .capabilities()
            .admin
        {
            self.compare(&mut seen).map_err(Failure::cluster)?;
        }
        Ok(seen)
    }

    /// The edges' copies against what home holds, record by record.
    fn compare(&self, seen: &mut Seen) -> Result<(), Error> {
        let options = verify::Options {
            edges: self
                .stage
                .pair()
                .iter()
                .map(|e| e.name.to_string())
                .collect(),
            ..verify::Options::default()
        };
        let report = verify::run(&self.stage.topology, &options, &Progress::hidden())?;
        let (records, partitions) = (report.compared(), report.partitions.len());
        match report.is_equal() {
            true => seen.and(format!(
                "verify: {records} records in {partitions} partitions are equal on both sides"
            )),
            false => {
                let counts = [
                    ("missing", Kind::Missing),
                    ("duplicated", Kind::Duplicated),
                    ("reordered", Kind::Reordered),
                    ("altered", Kind::Altered),
                    ("unexpected", Kind::Unexpected),
                ];
                let told = counts.map(|(word, kind)| format!("{} {word}", report.count(kind)));
                seen.find(format!(
                    "verify: of {records} records in {partitions} partitions, {}; `crossdock verify {}` names them",
                    told.join(", "),
                    self.stage.file.display()
                ));
            }
        }
        Ok(())
    }
}
