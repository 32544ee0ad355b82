//! Repairs, tried before they are told.

use crate::finding::Finding;
use crate::topology::Draft;

pub(crate) fn help(draft: &Draft, findings: &mut [Finding]) {
    let _ = (draft, findings);
}
