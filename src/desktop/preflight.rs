//! Checks what the window needs before it is opened: a display, and the system libraries that winit and glutin load
//! by name at their start (they panic without them).
//!
//! In: the environment. Out: nothing, or one line that says what to do.

/// Why no window can be opened, as one line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotOpen {
    /// There is no display.
    #[error(
        "no display: neither WAYLAND_DISPLAY nor DISPLAY is set. Without a window, use “tokenscope chat”; see “tokenscope --help”"
    )]
    NoDisplay,
    /// System libraries are missing.
    #[error(
        "the window needs {}, which this system lacks. On Debian or Ubuntu: sudo apt-get install {}. Without a window, use “tokenscope chat”",
        .libraries.join(", "), .packages.join(" ")
    )]
    MissingLibraries {
        /// Their file names.
        libraries: Vec<&'static str>,
        /// The Debian packages that have them.
        packages: Vec<&'static str>,
    },
    /// The display server refused the connection, or drawing on it failed.
    #[error(
        "no window could be opened on display {display}: {why}. Without a window, use “tokenscope chat”"
    )]
    Refused {
        /// The display's name.
        display: String,
        /// What the system said, on one line.
        why: String,
    },
}

/// The kinds of display server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    X11,
    Wayland,
}

/// Alternatives of which one must load, and the Debian package of the first.
struct Needed {
    servers: &'static [Server],
    any_of: &'static [&'static str],
    package: &'static str,
}

const X11: &[Server] = &[Server::X11];
const WAYLAND: &[Server] = &[Server::Wayland];
const BOTH: &[Server] = &[Server::X11, Server::Wayland];

/// What winit 0.30 (x11-dl, xkbcommon-dl, wayland-sys) and glutin 0.32 open by name.
#[rustfmt::skip]
static NEEDED: &[Needed] = &[
    Needed { servers: X11, any_of: &["libX11.so.6", "libX11.so"], package: "libx11-6" },
    Needed { servers: X11, any_of: &["libX11-xcb.so.1", "libX11-xcb.so"], package: "libx11-xcb1" },
    Needed { servers: X11, any_of: &["libXcursor.so.1", "libXcursor.so"], package: "libxcursor1" },
    Needed { servers: X11, any_of: &["libXi.so.6", "libXi.so"], package: "libxi6" },
    Needed { servers: X11, any_of: &["libxkbcommon-x11.so.0", "libxkbcommon-x11.so"], package: "libxkbcommon-x11-0" },
    Needed { servers: BOTH, any_of: &["libxkbcommon.so.0", "libxkbcommon.so"], package: "libxkbcommon0" },
    Needed { servers: X11, any_of: &["libGL.so.1", "libGL.so", "libEGL.so.1", "libEGL.so"], package: "libgl1" },
    Needed { servers: WAYLAND, any_of: &["libEGL.so.1", "libEGL.so"], package: "libegl1" },
    Needed { servers: WAYLAND, any_of: &["libwayland-client.so.0", "libwayland-client.so"], package: "libwayland-client0" },
    Needed { servers: WAYLAND, any_of: &["libwayland-egl.so.1", "libwayland-egl.so"], package: "libwayland-egl1" },
];

/// Checks whether a window can be opened.
///
/// # Errors
/// If there is no display, or a library is missing.
pub fn check() -> Result<(), CannotOpen> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let (server, _) = display(|name| std::env::var(name).ok()).ok_or(CannotOpen::NoDisplay)?;
    missing(server, loads)
}

/// The error for a window that could not be opened although the check passed.
#[must_use]
pub fn refused(error: &eframe::Error) -> CannotOpen {
    let display = display(|name| std::env::var(name).ok()).map(|(_, display)| display);
    CannotOpen::Refused {
        display: display.unwrap_or_else(|| "(none)".into()),
        why: plain(&error.to_string()),
    }
}

/// An error's text on one line, without the place in winit's source code at its beginning.
fn plain(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let after = text
        .find(".rs:")
        .and_then(|at| text.get(at..)?.split_once(": "));
    after.map_or(text.clone(), |(_, rest)| rest.to_owned())
}

/// Whether the window will use Wayland.
#[must_use]
pub fn is_wayland() -> bool {
    let found = display(|name| std::env::var(name).ok());
    cfg!(target_os = "linux") && found.is_some_and(|(server, _)| server == Server::Wayland)
}

fn display(env: impl Fn(&str) -> Option<String>) -> Option<(Server, String)> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let wayland = set("WAYLAND_DISPLAY").or_else(|| set("WAYLAND_SOCKET"));
    (wayland.map(|address| (Server::Wayland, address)))
        .or_else(|| set("DISPLAY").map(|address| (Server::X11, address)))
}

fn missing(server: Server, loads: impl Fn(&str) -> bool) -> Result<(), CannotOpen> {
    let lacking: Vec<_> = (NEEDED.iter())
        .filter(|needed| needed.servers.contains(&server))
        .filter(|needed| !needed.any_of.iter().any(|name| loads(name)))
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(CannotOpen::MissingLibraries {
        libraries: (lacking.iter())
            .filter_map(|needed| needed.any_of.first().copied())
            .collect(),
        packages: lacking.iter().map(|needed| needed.package).collect(),
    })
}

/// Whether the dynamic linker finds and loads a library.
#[expect(
    unsafe_code,
    reason = "loading runs the library's initialisers; these are the very system libraries that the window loads a moment later"
)]
fn loads(name: &str) -> bool {
    // SAFETY: well-known system libraries whose initialisers have no preconditions.
    let library = unsafe { libloading::Library::new(name) };
    // Kept loaded: the window wants it next, and unloading would run its finalisers.
    library.map(std::mem::forget).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn wayland_goes_before_x11_and_empty_is_unset() {
        assert_eq!(display(env(&[])), None);
        assert_eq!(display(env(&[("DISPLAY", "")])), None);
        let x11 = display(env(&[("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "")]));
        assert_eq!(x11, Some((Server::X11, ":0".into())));
        let both = display(env(&[("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "wayland-0")]));
        assert_eq!(both, Some((Server::Wayland, "wayland-0".into())));
    }

    #[test]
    fn a_missing_library_names_its_package() {
        let error = missing(Server::X11, |name| !name.starts_with("libXcursor")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("libXcursor.so.1"), "{text}");
        assert!(text.contains("apt-get install libxcursor1"), "{text}");
        assert!(text.contains("tokenscope chat"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn one_of_several_alternatives_is_enough() {
        assert_eq!(missing(Server::X11, |name| name != "libGL.so.1"), Ok(()));
        assert!(missing(Server::Wayland, |name| !name.starts_with("libEGL")).is_err());
        assert_eq!(
            missing(Server::Wayland, |name| !name.starts_with("libX11")),
            Ok(())
        );
    }

    #[test]
    fn a_bare_machine_is_told_of_every_package() {
        let Err(CannotOpen::MissingLibraries { packages, .. }) = missing(Server::X11, |_| false)
        else {
            panic!("nothing was missing");
        };
        let named: Vec<_> =
            "libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0 libxkbcommon0 libgl1"
                .split(' ')
                .collect();
        assert_eq!(packages, named);
    }

    #[test]
    fn the_debian_package_recommends_what_the_window_needs() {
        let manifest = include_str!("../../Cargo.toml");
        let (_, recommended) = manifest.split_once("recommends = [").unwrap();
        let (recommended, _) = recommended.split_once(']').unwrap();
        for needed in NEEDED {
            let package = format!("\"{}\"", needed.package);
            assert!(recommended.contains(&package), "{package}");
        }
    }

    #[test]
    fn a_library_that_is_not_there_does_not_load() {
        assert!(!loads("libtokenscope-no-such-thing.so.0"));
    }

    #[test]
    fn a_refusal_names_no_source_file() {
        let text = "winit EventLoopError: os error at /src/mod.rs:788: Failed to open connection to X server";
        assert_eq!(plain(text), "Failed to open connection to X server");
        assert_eq!(plain("no GL\n configs"), "no GL configs");
    }

    #[test]
    fn no_display_points_at_the_terminal() {
        let text = CannotOpen::NoDisplay.to_string();
        assert!(text.contains("tokenscope chat") && !text.contains('\n'));
    }
}
