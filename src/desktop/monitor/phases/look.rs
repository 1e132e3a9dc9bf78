//! How the phases are shown.

use crate::measure::phases::TtftPhase;

/// How a phase is shown.
#[derive(Clone, Copy, Debug)]
pub struct PhaseLook {
    /// Its name.
    pub name: &'static str,
    /// Index into the theme's series colours: the same as in the inspector, where it has this phase.
    pub color: usize,
    /// What it is, in a sentence.
    pub meaning: &'static str,
}

/// The looks of [`TtftPhase::ALL`].
#[must_use]
pub fn looks() -> [PhaseLook; 5] {
    TtftPhase::ALL.map(look)
}

fn look(phase: TtftPhase) -> PhaseLook {
    let (name, color, meaning) = match phase {
        TtftPhase::Dns => ("DNS", 3, "Name resolution"),
        TtftPhase::Tcp => (
            "TCP",
            1,
            "TCP handshake; through a proxy, with the proxy’s exchange",
        ),
        TtftPhase::Tls => ("TLS", 5, "TLS handshake"),
        TtftPhase::FirstByte => (
            "Until first byte",
            7,
            "First byte of the response’s body − request sent: the way there and back, and the server",
        ),
        TtftPhase::FirstToken => (
            "First byte to first token",
            0,
            "First token − first byte: events without a token come first",
        ),
    };
    PhaseLook {
        name,
        color,
        meaning,
    }
}
