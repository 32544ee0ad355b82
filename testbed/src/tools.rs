//! Tools that a few tests need beside Java: `make test` installs them.

use std::env;

/// Names the tools, with commas between, whose tests a developer does without.
const WITHOUT: &str = "CROSSDOCK_TESTS_WITHOUT";

/// Leaves a test out for want of a tool, if that was asked for.
///
/// # Panics
/// It was not: a test that cannot run has not passed.
#[allow(clippy::print_stderr, reason = "a test says what it has proved")]
pub fn do_without(tool: &str, package: &str) {
    let asked = env::var(WITHOUT).unwrap_or_default();
    assert!(
        asked.split(',').any(|name| name.trim() == tool),
        "{tool} is not there (Debian: {package}); {WITHOUT}={tool} leaves its tests out"
    );
    eprintln!("left out, as {WITHOUT} says: nothing was tried with {tool}");
}
