//! Turns of phrase that several rooms use.

/// `, and 3 more`, after the first of several; nothing where there is no other.
pub fn and_more(others: usize) -> String {
    match others {
        0 => String::new(),
        _ => format!(", and {others} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_has_no_more() {
        assert_eq!(and_more(0), "");
        assert_eq!(and_more(2), ", and 2 more");
    }
}
