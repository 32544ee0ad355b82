//! The whole topology as a picture: clusters on a circle, an arrow for each edge.

use std::f64::consts::TAU;
use std::fmt::Write;

use crossdock_model::graph::Names;
use crossdock_model::topology::Draft;

use super::draw::{ends, label};

/// Half the height of a cluster's box, in pixels.
const BOX: f64 = 22.0;

/// Draws it.
pub(super) fn svg(draft: &Draft) -> String {
    let names = Names::new(draft);
    let count = draft.clusters.len().max(1);
    let radius = 120.0 + 30.0 * count as f64;
    let center = radius + 140.0;
    let at = |number: usize| {
        let angle = TAU * number as f64 / count as f64 - TAU / 4.0;
        (center + radius * angle.cos(), center + radius * angle.sin())
    };
    let size = 2.0 * center;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size:.0} {size:.0}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" \
         refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 L8 \
         4 L0 8 z\"/></marker></defs>\n"
    );
    for edge in &draft.edges {
        if let (Some(source), Some(target)) = ends(draft, edge) {
            let dash = if edge.enabled {
                ""
            } else {
                " stroke-dasharray=\"5\""
            };
            let lines = label(&names, edge);
            arrow(&mut out, at(source), at(target), dash, &lines);
        }
    }
    for (number, cluster) in draft.clusters.iter().enumerate() {
        let (x, y) = at(number);
        let alias = escaped(cluster.alias.as_str());
        let width = (20.0 + 9.0 * alias.len() as f64).max(60.0);
        writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"8\" \
             fill=\"#fff\" stroke=\"#333\"/>\n<text x=\"{x:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{alias}</text>",
            x - width / 2.0,
            y - BOX,
            2.0 * BOX,
            y + 5.0
        )
        .ok();
    }
    out.push_str("</svg>\n");
    out
}

/// An arrow that swerves to its right, so that the way back does not lie on it.
fn arrow(out: &mut String, from: (f64, f64), to: (f64, f64), dash: &str, lines: &[String]) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let gap = BOX + 16.0;
    let begin = (from.0 + ux * gap, from.1 + uy * gap);
    let end = (to.0 - ux * gap, to.1 - uy * gap);
    let bend = (
        (from.0 + to.0) / 2.0 - uy * 50.0,
        (from.1 + to.1) / 2.0 + ux * 50.0,
    );
    writeln!(
        out,
        "<path d=\"M{:.1} {:.1} Q{:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"#555\"{dash} \
         marker-end=\"url(#tip)\"/>",
        begin.0, begin.1, bend.0, bend.1, end.0, end.1
    )
    .ok();
    for (number, line) in lines.iter().enumerate() {
        writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#036\">{}</text>",
            (begin.0 + end.0) / 4.0 + bend.0 / 2.0,
            (begin.1 + end.1) / 4.0 + bend.1 / 2.0 + 15.0 * number as f64,
            escaped(line)
        )
        .ok();
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
