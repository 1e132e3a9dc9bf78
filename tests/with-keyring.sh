#!/usr/bin/env bash
# Runs a command inside a private D-Bus session with a real, unlocked gnome-keyring of its own:
#   tests/with-keyring.sh cargo test --test all keyring -- --ignored
# The user's own bus, keyring and data folders stay untouched; everything goes when the command ends.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -m 700 "$scratch"/{data,cache,run}

# An empty password would make no collection; without --foreground a daemon could be left behind.
env -u DISPLAY -u WAYLAND_DISPLAY \
  XDG_DATA_HOME="$scratch/data" XDG_CACHE_HOME="$scratch/cache" XDG_RUNTIME_DIR="$scratch/run" \
  dbus-run-session -- bash -euc '
    printf "ci-only-password" |
      gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
    daemon=$!
    trap "kill $daemon 2>/dev/null || true" EXIT
    for _ in {1..200}; do
      dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null |
        grep -q "boolean true" && break
      sleep 0.05
    done
    "$@"' bash "$@"
