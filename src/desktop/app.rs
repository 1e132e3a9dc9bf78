//! The application: drains updates, shows the current view, sends commands.
