//! The methods of verdicts: one table of names, sentences and citations.

crate::event::words! {
    /// How a verdict was made.
    Method {
        /// The median of paired differences, watched.
        SignSequence = "sign_confidence_sequence",
        /// The quantiles of two targets, watched.
        QuantileSequence = "quantile_confidence_sequence",
        /// Two failure rates, watched.
        FailureSequence = "failure_e_values",
        /// The median of paired differences at a number of pairs fixed beforehand.
        OrderStatistics = "order_statistics",
        /// The quantiles of two targets at a number of pairs fixed beforehand.
        PairedBootstrap = "paired_bootstrap",
        /// Two failure rates at a number of pairs fixed beforehand.
        ExactPairs = "exact_pairs",
        /// The difference of two values that were measured apart, from their intervals.
        Mover = "mover",
    }
}

impl Method {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignSequence => "Confidence sequence of signs",
            Self::QuantileSequence => "Confidence sequence of quantiles",
            Self::FailureSequence => "E-values of failures",
            Self::OrderStatistics => "Order statistics",
            Self::PairedBootstrap => "Paired bootstrap",
            Self::ExactPairs => "McNemar's exact test",
            Self::Mover => "Recovered variances (MOVER)",
        }
    }

    /// What it does, in one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SignSequence => {
                "Median of the paired differences; its 95 % interval holds at every look, since it inverts a beta mixture \
                 martingale on their signs."
            }
            Self::QuantileSequence => {
                "Difference of the two targets' quantiles; its 95 % interval holds at every look. A shift is ruled out once \
                 each value that could be the common quantile is, by how many of either target's values exceed it and by \
                 the pairs that it separates."
            }
            Self::FailureSequence => {
                "Difference of the two failure rates; its 95 % interval holds at every look, since it inverts an e-value on \
                 the pairs of which one alone failed. Pairs that fail together are allowed for."
            }
            Self::OrderStatistics => {
                "Median of the paired differences; its 95 % interval is a pair of order statistics (sign test), for a number \
                 of pairs that was fixed beforehand."
            }
            Self::PairedBootstrap => {
                "Difference of the two targets' quantiles; its 95 % interval comes from resampled pairs (percentile \
                 bootstrap), for a number of pairs that was fixed beforehand."
            }
            Self::ExactPairs => {
                "Difference of the two failure rates; its 95 % interval is exact (McNemar's test, Clopper-Pearson \
                 intervals), for a number of pairs that was fixed beforehand."
            }
            Self::Mover => {
                "Difference of two values that were measured apart; its 95 % interval is made of their two intervals by the \
                 method of variance estimates recovery (MOVER)."
            }
        }
    }

    /// Where it is published.
    #[must_use]
    pub const fn citation(self) -> &'static str {
        match self {
            Self::SignSequence => {
                "Howard, Ramdas, McAuliffe & Sekhon 2021, Time-uniform, nonparametric, nonasymptotic confidence sequences, \
                 Annals of Statistics 49(2); Robbins 1970"
            }
            Self::QuantileSequence => {
                "Howard & Ramdas 2022, Sequential estimation of quantiles with applications to A/B testing and best-arm \
                 identification, Bernoulli 28(3)"
            }
            Self::FailureSequence => {
                "Turner, Ly & Grünwald 2024, Generic E-variables for exact sequential k-sample tests that allow for optional \
                 stopping, Journal of Statistical Planning and Inference 230; Waudby-Smith & Ramdas 2024, Estimating means of \
                 bounded random variables by betting, JRSS B 86(1)"
            }
            Self::OrderStatistics => {
                "Conover 1999, Practical Nonparametric Statistics, 3rd edition, sections 3.2 and 3.4"
            }
            Self::PairedBootstrap => {
                "Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 16"
            }
            Self::ExactPairs => {
                "McNemar 1947, Psychometrika 12(2); Clopper & Pearson 1934, Biometrika 26(4)"
            }
            Self::Mover => {
                "Zou & Donner 2008, Construction of confidence intervals about effect measures: a general approach, \
                 Statistics in Medicine 27(10); of shares: Newcombe 1998, Interval estimation for the difference between \
                 independent proportions, Statistics in Medicine 17(8), method 10"
            }
        }
    }
}
