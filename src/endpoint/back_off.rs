//! What a comparison or a load bench does after an endpoint refused a request for too many (429).

use crate::event::words;

words! {
    #[derive(Default)]
    /// What is done after a refusal for too many requests (429).
    BackOff {
        #[default]
        /// The endpoint is left alone for as long as it asks, and for a second or more where it does not say.
        Polite = "polite",
        /// Nothing: the next request is sent as if nothing had happened.
        Never = "never",
    }
}

impl BackOff {
    /// The choice of whoever may only say yes or no.
    #[must_use]
    pub const fn polite_if(is_polite: bool) -> Self {
        if is_polite { Self::Polite } else { Self::Never }
    }
}
