//! A real window: started, looked at over AT-SPI, and driven by the keys, the pointer and the clipboard of its
//! screen.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask};

use super::tree::{Bus, Part};
pub use crate::deadline::until;
use crate::{deadline, home::Home};

/// The program with its window open.
pub struct Screen {
    pub bus: Bus,
    child: Child,
    /// Its X window.
    pub id: String,
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Screen {
    /// Opens the window of a user, and waits until it can be written in.
    pub fn open(home: &Home) -> Self {
        let mut command = home.tokenscope([""; 0]);
        for name in ["DISPLAY", "LIBGL_ALWAYS_SOFTWARE", "XDG_RUNTIME_DIR"] {
            command.env(
                name,
                std::env::var(name).expect("tests/with-window.sh sets it"),
            );
        }
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let bus = Bus::open();
        let child = command.stdin(Stdio::null()).spawn().expect("it starts");
        let mut screen = Self {
            bus,
            child,
            id: String::new(),
        };
        let pid = screen.child.id().to_string();
        screen.id = until("the X window", || {
            // Without `--all`, any other window of this name would do.
            let found = asked(&[
                "search",
                "--all",
                "--onlyvisible",
                "--pid",
                &pid,
                "--name",
                "Tokenscope",
            ]);
            let id = found.lines().next().unwrap_or_default().to_owned();
            if id.is_empty() { Err(found) } else { Ok(id) }
        });
        screen.focus();
        screen.part("entry", "Prompt");
        screen
    }

    /// Gives the window the keyboard, as a window manager would.
    pub fn focus(&self) {
        xdotool(&["windowraise", &self.id, "windowfocus", "--sync", &self.id]);
    }

    pub fn parts(&self) -> zbus::Result<Vec<Part>> {
        self.bus.window(self.child.id())
    }

    /// Waits for what a test wants to see of the parts.
    pub fn see<T>(&self, what: &str, find: impl Fn(&[Part]) -> Option<T>) -> T {
        until(what, || {
            let parts = self.parts().map_err(|error| vec![error.to_string()])?;
            find(&parts).ok_or_else(|| {
                let named = parts.iter().filter(|part| !part.name.is_empty());
                named
                    .map(|part| format!("{}: {}", part.role, part.name))
                    .collect::<Vec<_>>()
            })
        })
    }

    /// Waits for a part by its role and name.
    pub fn part(&self, role: &str, name: &str) -> Part {
        self.see(&format!("the {role} {name:?}"), |parts| {
            parts
                .iter()
                .find(|part| part.role == role && part.name == name)
                .cloned()
        })
    }

    /// Waits until a field holds a text.
    pub fn holds(&self, field: &str, text: &str) {
        until(&format!("{text:?} in {field}"), || {
            let field = self.part("entry", field);
            match self.bus.text(&field) {
                Ok(found) if found == text => Ok(()),
                found => Err(found),
            }
        });
    }

    /// Clicks into the middle of a part, once it stands still.
    pub fn click(&self, role: &str, name: &str) {
        let mut last = None;
        let (x, y) = until(&format!("{name:?} to stand still"), || {
            let now = self.bus.middle(&self.part(role, name)).ok();
            let before = std::mem::replace(&mut last, now);
            now.filter(|_| before == now).ok_or(now)
        });
        let (x, y) = (x.to_string(), y.to_string());
        xdotool(&["mousemove", &x, &y, "click", "1"]);
    }

    /// Asks the window to close, as a title bar's cross does.
    pub fn close(&self) {
        let (x, _) = x11rb::connect(None).expect("the screen");
        let atom = |name: &[u8]| {
            let atom = x.intern_atom(false, name).expect("asked");
            atom.reply().expect("an atom").atom
        };
        let window = self.id.parse().expect("a number");
        let data = [atom(b"WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let wish = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), data);
        let sent = x.send_event(false, window, EventMask::NO_EVENT, wish);
        sent.expect("sent").check().expect("taken");
    }

    /// Sends a signal to the program.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for the program's end.
    pub fn ended(mut self) -> std::process::ExitStatus {
        until("the end of the program", || {
            self.child.try_wait().expect("it is ours").ok_or("it runs")
        })
    }
}

/// Sends keys and clicks.
pub fn xdotool(arguments: &[&str]) {
    let status = Command::new("xdotool").args(arguments).status();
    assert!(
        status.expect("xdotool is installed").success(),
        "{arguments:?}"
    );
}

/// What a query of xdotool gives.
pub fn asked(arguments: &[&str]) -> String {
    let output = Command::new("xdotool")
        .args(arguments)
        .stderr(Stdio::null())
        .output();
    String::from_utf8(output.expect("xdotool is installed").stdout).expect("UTF-8")
}

/// Puts a text on the clipboard, as another program.
pub fn offer(text: &str) {
    let mut xclip = Command::new("xclip")
        .args(["-in", "-selection", "clipboard"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("xclip is installed");
    xclip
        .stdin
        .take()
        .expect("a pipe")
        .write_all(text.as_bytes())
        .expect("it reads");
    // It has forked by then; the one that holds the selection ends when another takes it.
    assert!(deadline::ended(&mut xclip).success());
}

/// What is on the clipboard, as another program reads it; nothing if nobody gives it.
fn clipboard() -> String {
    let output = Command::new("timeout")
        .args(["10", "xclip", "-out", "-selection", "clipboard"])
        .stderr(Stdio::null())
        .output()
        .expect("xclip is installed");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Waits until another text than `old` is on the clipboard.
pub fn copied(old: &str) -> String {
    until("a copy on the clipboard", || {
        let now = clipboard();
        if now.is_empty() || now == old {
            Err(now)
        } else {
            Ok(now)
        }
    })
}

/// Puts a program of this name into a folder; it adds its arguments, one line a call, to the file given back.
pub fn fake(folder: &Path, name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let (program, said) = (folder.join(name), folder.join(format!("{name}.said")));
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\n", said.display());
    std::fs::write(&program, script).expect("the program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    said
}
