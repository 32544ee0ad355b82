//! `crossdock resume`: resumes an edge.

use crate::client;
use crate::commands::SERVER;
use crate::exit::{Failure, Outcome, Verdict};
use crate::output;

/// Resumes a paused edge of a running crossdock
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  crossdock resume bj-to-sh\n\nWhere the server wants a token, it is taken from CROSSDOCK_TOKEN."
)]
pub struct Args {
    /// Name of the edge
    pub edge: String,
    /// Where the running one listens
    #[arg(long, value_name = "URL", default_value = SERVER)]
    pub server: String,
}

/// Runs the command.
pub fn main(args: Args) -> Outcome {
    let said = client::set_paused(&args.server, &args.edge, "resume");
    output::data(&said.map_err(Failure::CannotStart)?)?;
    Ok(Verdict::Fine)
}
