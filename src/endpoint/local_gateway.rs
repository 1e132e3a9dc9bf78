//! The ids under which the desktop's own gateway is an endpoint of the desktop, which no other endpoint may have.

/// The id of its first endpoint; those of its other protocols start with it.
pub const ENDPOINT: &str = "this-gateway";
/// The label of the way through it.
pub const ROUTE: &str = "via gateway";

/// Whether an endpoint's id is one of the desktop's own gateway.
#[must_use]
pub fn is_own(id: &str) -> bool {
    let rest = id.strip_prefix(ENDPOINT);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_ids_are_its_own() {
        assert!(is_own("this-gateway") && is_own("this-gateway-anthropic"));
        assert!(!is_own("this-gateways") && !is_own("gateway"));
    }
}
