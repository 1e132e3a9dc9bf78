//! A real input method (fcitx5, over XIM): what it composes is shown, what it commits is text.

use std::process::{Child, Command, Stdio};

use x11rb::{
    connection::Connection as _,
    protocol::xproto::{AtomEnum, ConnectionExt as _},
};

use super::screen::{asked, until, xdotool};

/// A phrase, and the letters that stand for it after F12.
pub const PHRASE: &str = "你好，世界";
const LETTERS: [&str; 3] = ["z", "q", "j"];

/// The running input method.
pub struct InputMethod(Child);

impl Drop for InputMethod {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl InputMethod {
    /// Starts it, and waits until windows can talk to it; nothing if there is none on this machine.
    pub fn start() -> Option<Self> {
        let folder = |name: &str| {
            std::path::PathBuf::from(std::env::var_os(name).expect("tests/with-window.sh"))
        };
        let phrases = folder("XDG_DATA_HOME").join("fcitx5/data/quickphrase.d");
        let conf = folder("XDG_CONFIG_HOME").join("fcitx5/conf");
        std::fs::create_dir_all(&phrases).unwrap();
        std::fs::create_dir_all(&conf).unwrap();
        std::fs::write(
            phrases.join("ours.mb"),
            format!("{} {PHRASE}\n", LETTERS.concat()),
        )
        .unwrap();
        std::fs::write(conf.join("quickphrase.conf"), "[TriggerKey]\n0=F12\n").unwrap();
        let started = Command::new("fcitx5")
            .arg("--disable=wayland,waylandim,notifications,notificationitem,kimpanel,clipboard,emoji,unicode,spell")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let method = Self(started.ok()?);
        until("the input method", || {
            if is_there() { Ok(()) } else { Err(()) }
        });
        Some(method)
    }
}

/// Composes the phrase and commits it. Each key is waited for by what the input method's own window shows: keys that
/// come fast it gives back in any order.
pub fn compose() {
    let mut shown = String::new();
    for key in ["F12"].into_iter().chain(LETTERS) {
        xdotool(&["key", key]);
        shown = until(&format!("the input method to take {key}"), || {
            let now = panel();
            if now.is_empty() || now == shown {
                Err(now)
            } else {
                Ok(now)
            }
        });
    }
    xdotool(&["key", "space"]);
    until("the input method to end", || {
        let now = panel();
        if now.is_empty() { Ok(()) } else { Err(now) }
    });
}

/// How the input method's window stands; empty while there is none.
fn panel() -> String {
    let found = asked(&["search", "--onlyvisible", "--name", "Fcitx5 Input Window"]);
    let id = found.lines().next().unwrap_or_default();
    if id.is_empty() {
        return String::new();
    }
    asked(&["getwindowgeometry", "--shell", id])
}

/// Whether an XIM server has said that it is there.
fn is_there() -> bool {
    let (x, screen) = x11rb::connect(None).expect("the screen");
    let root = x.setup().roots[screen].root;
    let atom = x
        .intern_atom(false, b"XIM_SERVERS")
        .unwrap()
        .reply()
        .unwrap()
        .atom;
    let servers = x.get_property(false, root, atom, AtomEnum::ATOM, 0, 8);
    servers.unwrap().reply().unwrap().value_len > 0
}
