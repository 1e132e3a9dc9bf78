//! Notifications of the desktop.
//!
//! In: a title and a text. Out: nothing, or why the desktop shows none.

use std::time::Duration;

use notify_rust::Notification;
use tokio::time::timeout;

/// How long the desktop may take to accept a notification.
const LIMIT: Duration = Duration::from_secs(15);

/// Shows a notification of the desktop.
///
/// # Errors
/// In words, if there is no desktop session, or it does not answer.
pub(super) async fn show(title: &str, text: &str) -> Result<(), String> {
    let mut notification = Notification::new();
    notification.appname("Tokenscope").summary(title).body(text);
    for_this_desktop(&mut notification);
    // It waits for the session bus.
    let shown = tokio::task::spawn_blocking(move || notification.show().map(drop));
    match timeout(LIMIT, shown).await {
        Ok(Ok(shown)) => shown.map_err(|why| why.to_string()),
        Ok(Err(why)) => Err(why.to_string()),
        Err(_) => Err(format!(
            "the desktop did not answer within {} seconds",
            LIMIT.as_secs()
        )),
    }
}

/// Has the desktop show the name and icon of `tokenscope.desktop`, and apply what the user has set for this program. A text
/// of these desktops is markup, in which a model's name must not become a link.
#[cfg(all(unix, not(target_os = "macos")))]
fn for_this_desktop(notification: &mut Notification) {
    let name = "tokenscope";
    notification.body = notification.body.replace('&', "&amp;").replace('<', "&lt;");
    notification
        .icon(name)
        .hint(notify_rust::Hint::DesktopEntry(name.to_owned()));
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn for_this_desktop(_notification: &mut Notification) {}
