//! The whole topology as a picture: clusters as boxes from left to right, an arrow for each edge with
//! what it carries written into it.
//!
//! Where everything goes is the layout library's business; it calls back to have it drawn.

use std::fmt::Write;

use crossdock_model::graph::Names;
use crossdock_model::topology::Draft;
use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind};
use layout::topo::layout::VisualGraph;

use super::draw::{ends, label};

/// Most edges that make a picture; more would be a black square, and laid out for minutes.
pub(super) const EDGES_MAX: usize = 250;

/// Height of a cluster's box, in pixels.
const BOX: f64 = 38.0;
/// Height of a line of text.
const LINE: f64 = 16.0;
/// Space around the picture.
const MARGIN: f64 = 16.0;
/// Longest line on an arrow, in columns; a pattern that goes on is cut, and whole in its title.
const COLUMNS_MAX: usize = 42;

/// Grey and blue that can be read on white and on black; finer where the viewer says which it is.
const STYLE: &str = "\
text{font-family:ui-sans-serif,system-ui,'Noto Sans','Noto Sans CJK SC',sans-serif;text-anchor:middle}
.cluster rect{fill:#2f6feb;stroke:#1f4fb0}.cluster text{fill:#fff;font-size:15px;font-weight:600}
.label{fill:#7a858f;font-size:12px}.arrow{fill:none;stroke:#8090a0;stroke-width:1.6}#tip{fill:#8090a0}
.off{stroke-dasharray:5 4}
@media(prefers-color-scheme:light){.label{fill:#3a434d}}
@media(prefers-color-scheme:dark){.label{fill:#c3ccd5}}";

/// Draws it.
pub(super) fn svg(draft: &Draft) -> String {
    let names = Names::new(draft);
    let mut graph = VisualGraph::new(Orientation::LeftToRight);
    let mut canvas = Canvas::default();
    let mut clusters = Vec::new();
    for cluster in &draft.clusters {
        let alias = cluster.alias.to_string();
        let size = Point::new((columns(&alias) * 9.0 + 28.0).max(72.0), BOX);
        clusters.push(graph.add_node(canvas.node(Node::Cluster(alias), size)));
    }
    // Which clusters are drawn left of which.
    let mut onward = vec![Vec::new(); clusters.len()];
    for edge in &draft.edges {
        let (Some(source), Some(target)) = ends(draft, edge) else {
            continue;
        };
        let lines = wrapped(label(&names, edge));
        let widest = lines.iter().map(|l| columns(&cut(l))).fold(0.0, f64::max);
        #[allow(clippy::cast_precision_loss, reason = "a label has a few lines")]
        let size = Point::new(widest * 6.6 + 10.0, lines.len() as f64 * LINE + 4.0);
        let label = graph.add_node(canvas.node(Node::Label(lines), size));
        let arrow = |start, end| arrow(start, end, edge.enabled);
        // The library loses the heads of arrows that it turns round itself.
        if reaches(&onward, target, source) {
            let (head, none) = (LineEndKind::Arrow, LineEndKind::None);
            graph.add_edge(arrow(head, none), clusters[target], label);
            graph.add_edge(arrow(none, none), label, clusters[source]);
        } else {
            onward[source].push(target);
            let (head, none) = (LineEndKind::Arrow, LineEndKind::None);
            graph.add_edge(arrow(none, none), clusters[source], label);
            graph.add_edge(arrow(none, head), label, clusters[target]);
        }
    }
    if !draft.clusters.is_empty() {
        graph.do_it(false, false, false, &mut canvas);
    }
    canvas.finish(&draft.name)
}

fn arrow(start: LineEndKind, end: LineEndKind, is_enabled: bool) -> Arrow {
    let style = match is_enabled {
        true => LineStyleKind::Normal,
        false => LineStyleKind::Dashed,
    };
    Arrow::new(start, end, style, "", &StyleAttr::simple(), &None, &None)
}

/// Whether one cluster is left of another already.
fn reaches(onward: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; onward.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            open.extend(&onward[at]);
        }
    }
    false
}

/// What is taken on one line, what becomes of it on the next.
fn wrapped(lines: Vec<String>) -> Vec<String> {
    let split = |line: String| match line.split_once(", renamed ") {
        Some((from, to)) => vec![from.to_owned(), to.to_owned()],
        None => vec![line],
    };
    lines.into_iter().flat_map(split).collect()
}

/// What the layout library places.
enum Node {
    Cluster(String),
    Label(Vec<String>),
}

/// Draws what has been placed.
#[derive(Default)]
struct Canvas {
    nodes: Vec<(Node, Point)>,
    arrows: String,
    boxes: String,
    least: Option<Point>,
    most: Option<Point>,
}

impl Canvas {
    /// A node that comes back to [`RenderBackend::draw_text`] by its number.
    fn node(&mut self, node: Node, size: Point) -> Element {
        let shape = ShapeKind::new_box(&self.nodes.len().to_string());
        self.nodes.push((node, size));
        Element::create(shape, StyleAttr::simple(), Orientation::LeftToRight, size)
    }

    fn grow(&mut self, at: Point) {
        let least = self.least.get_or_insert(at);
        *least = Point::new(least.x.min(at.x), least.y.min(at.y));
        let most = self.most.get_or_insert(at);
        *most = Point::new(most.x.max(at.x), most.y.max(at.y));
    }

    fn finish(self, name: &str) -> String {
        let least = self.least.unwrap_or(Point::zero());
        let most = self.most.unwrap_or(Point::zero());
        let (x, y) = (least.x - MARGIN, least.y - MARGIN);
        let (width, height) = (most.x + MARGIN - x, most.y + MARGIN - y);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{x:.0} {y:.0} {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
             <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" \
             markerHeight=\"8\" orient=\"auto-start-reverse\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n{}{}</svg>\n",
            escaped(name),
            self.arrows,
            self.boxes
        )
    }

    fn cluster(&mut self, at: Point, size: Point, alias: &str) {
        writeln!(
            self.boxes,
            "<g class=\"cluster\"><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
             rx=\"8\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            at.x - size.x / 2.0,
            at.y - size.y / 2.0,
            size.x,
            size.y,
            at.x,
            at.y + 5.0,
            escaped(alias)
        )
        .ok();
    }

    fn label(&mut self, at: Point, size: Point, lines: &[String]) {
        let mut y = at.y - size.y / 2.0 + LINE - 2.0;
        writeln!(
            self.boxes,
            "<g class=\"label\"><title>{}</title>",
            escaped(&lines.join("\n"))
        )
        .ok();
        for line in lines {
            let line = escaped(&cut(line));
            writeln!(
                self.boxes,
                "<text x=\"{:.1}\" y=\"{y:.1}\">{line}</text>",
                at.x
            )
            .ok();
            y += LINE;
        }
        self.boxes.push_str("</g>\n");
    }
}

impl RenderBackend for Canvas {
    fn draw_text(&mut self, at: Point, text: &str, _look: &StyleAttr) {
        let Some(number) = text.parse::<usize>().ok().filter(|n| *n < self.nodes.len()) else {
            return;
        };
        let nodes = std::mem::take(&mut self.nodes);
        let (node, size) = &nodes[number];
        self.grow(Point::new(at.x - size.x / 2.0, at.y - size.y / 2.0));
        self.grow(Point::new(at.x + size.x / 2.0, at.y + size.y / 2.0));
        match node {
            Node::Cluster(alias) => self.cluster(at, *size, alias),
            Node::Label(lines) => self.label(at, *size, lines),
        }
        self.nodes = nodes;
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        is_dashed: bool,
        head: (bool, bool),
        _look: &StyleAttr,
        _properties: Option<String>,
        _text: &str,
    ) {
        let [(from, leave), (to, arrive), rest @ ..] = path else {
            return;
        };
        let mut line = format!(
            "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            from.x, from.y, leave.x, leave.y, to.x, to.y, arrive.x, arrive.y
        );
        for (control, to) in rest {
            write!(
                line,
                "S{:.1} {:.1} {:.1} {:.1}",
                control.x, control.y, to.x, to.y
            )
            .ok();
        }
        for (a, b) in path {
            self.grow(*a);
            self.grow(*b);
        }
        let off = if is_dashed { " off" } else { "" };
        let start = if head.0 {
            " marker-start=\"url(#tip)\""
        } else {
            ""
        };
        let end = if head.1 {
            " marker-end=\"url(#tip)\""
        } else {
            ""
        };
        writeln!(
            self.arrows,
            "<path class=\"arrow{off}\" d=\"{line}\"{start}{end}/>"
        )
        .ok();
    }

    fn draw_rect(
        &mut self,
        _at: Point,
        _size: Point,
        _look: &StyleAttr,
        _properties: Option<String>,
        _clip: Option<ClipHandle>,
    ) {
        // Drawn with its text.
    }

    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

/// How wide a text is, in columns: 北京 takes four.
fn columns(text: &str) -> f64 {
    let wide = |c: char| if c as u32 >= 0x2e80 { 2.0 } else { 1.0 };
    text.chars().map(wide).sum()
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(COLUMNS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
