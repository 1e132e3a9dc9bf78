//! What the window hands to the system: text for the clipboard, addresses for the browser.
//!
//! Every copy and every link goes through here, egui's own (a selection, a hyperlink) too. A failure becomes a toast.
//! Tests that don't add this plugin find egui's commands in its output.

use std::process::{Command, Stdio};

use egui::{Context, FullOutput, OutputCommand, Plugin};

use super::toast::tell;

/// Puts text on the clipboard, or returns why it can't.
pub type Put = Box<dyn FnMut(String) -> Result<(), String> + Send + Sync>;

/// The plugin that copies text and opens addresses.
pub struct Outside {
    /// `None` where only the window's own connection can reach the clipboard, as on Wayland: there eframe copies.
    put: Option<Put>,
    browse: fn(&str) -> Result<(), String>,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}

impl Outside {
    /// With this system's clipboard and browser.
    #[must_use]
    pub fn of_system(is_wayland: bool) -> Self {
        Self {
            put: (!is_wayland).then(|| Box::new(system_clipboard()) as Put),
            browse: open_address,
        }
    }

    /// With another clipboard and browser, for tests.
    #[must_use]
    pub fn new(put: Put, browse: fn(&str) -> Result<(), String>) -> Self {
        Self {
            put: Some(put),
            browse,
        }
    }

    /// Puts text on the clipboard; returns it if eframe has to do that.
    fn put(&mut self, text: String) -> Result<Option<String>, String> {
        match &mut self.put {
            Some(put) => put(text).map(|()| None),
            None => Ok(Some(text)),
        }
    }

    fn browse(&self, ctx: &Context, address: String) {
        if !is_openable(&address) {
            return tell(
                ctx,
                "Not opened: only http, https and mailto addresses are".to_owned(),
            );
        }
        let (browse, ctx) = (self.browse, ctx.clone());
        std::thread::spawn(move || {
            if let Err(why) = browse(&address) {
                tell(&ctx, format!("The address could not be opened: {why}"));
            }
        });
    }
}

impl Plugin for Outside {
    fn debug_name(&self) -> &'static str {
        "outside"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        let commands = std::mem::take(&mut output.platform_output.commands);
        for command in commands {
            match command {
                OutputCommand::CopyText(text) => match self.put(text) {
                    Ok(Some(text)) => {
                        let command = OutputCommand::CopyText(text);
                        output.platform_output.commands.push(command);
                    }
                    Ok(None) => {}
                    Err(why) => tell(ctx, not_copied(&why)),
                },
                OutputCommand::OpenUrl(address) => self.browse(ctx, address.url),
                other @ (OutputCommand::CopyImage(_) | OutputCommand::TextSelectionSettled(_)) => {
                    output.platform_output.commands.push(other);
                }
            }
        }
    }

    /// Closes the clipboard while there is still time to hand its text to a clipboard manager.
    fn on_exit(&mut self, _ctx: &Context) {
        self.put = None;
    }
}

fn not_copied(why: &str) -> String {
    format!("Not copied: the clipboard can’t be reached ({why})")
}

/// Copies text; returns whether it is on the clipboard now. If not, a toast says why.
#[must_use]
pub fn copy(ctx: &Context, text: String) -> bool {
    let outside = ctx.plugin_opt::<Outside>();
    let put = outside.map_or(Ok(Some(text.clone())), |outside| outside.lock().put(text));
    match put {
        Ok(text) => {
            if let Some(text) = text {
                ctx.copy_text(text);
            }
            true
        }
        Err(why) => {
            tell(ctx, not_copied(&why));
            false
        }
    }
}

/// Whether an address may be handed to the system: only web and mail addresses, nothing that runs a program or reads
/// a file.
#[must_use]
pub fn is_openable(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default();
    let known = ["http", "https", "mailto"];
    known.iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && !address.chars().any(char::is_control)
}

/// Copies to the system's clipboard, which is opened at the first copy and again after a failure.
fn system_clipboard() -> impl FnMut(String) -> Result<(), String> {
    let mut open: Option<arboard::Clipboard> = None;
    move |text| {
        let mut clipboard = match open.take() {
            Some(clipboard) => clipboard,
            None => arboard::Clipboard::new().map_err(|error| error.to_string())?,
        };
        let result = clipboard.set_text(text);
        result.map_err(|error| error.to_string())?;
        open = Some(clipboard);
        Ok(())
    }
}

/// Opens an address in the browser. Blocks until the program that opens it has ended.
fn open_address(address: &str) -> Result<(), String> {
    // `webbrowser` fails on a machine whose only opener is `xdg-open`, so that is tried first.
    if cfg!(any(target_os = "macos", windows)) {
        return webbrowser::open(address).map_err(|error| error.to_string());
    }
    let mut command = Command::new("xdg-open");
    command.arg(address).stdin(Stdio::null());
    match command.stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("xdg-open ended with {status}")),
        Err(_) => webbrowser::open(address).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_addresses_are_opened() {
        for address in [
            "https://a.example/x",
            "http://localhost:1",
            "mailto:a@b.c",
            "HTTPS://a.example",
        ] {
            assert!(is_openable(address), "{address}");
        }
        for address in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "/usr/bin/true",
            "",
            "httpx://a",
            "https://a\n.example",
            "vscode://x",
            "#top",
            "ssh://a",
            "--version",
        ] {
            assert!(!is_openable(address), "{address}");
        }
    }
}
