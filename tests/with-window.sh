#!/usr/bin/env bash
# Runs a command on a screen of its own (Xvfb), in a private D-Bus session with its accessibility bus:
#   tests/with-window.sh cargo test --test all window -- --ignored --test-threads 1
# The user's own display, bus and folders stay untouched; everything goes when the command ends.
set -euo pipefail

scratch=$(mktemp -d)
mkdir -m 700 "$scratch"/{data,cache,config,run}
# No portal begins, even on a machine that has one: of two files for a service the user's own counts.
mkdir -p "$scratch/data/dbus-1/services"
cat >"$scratch/data/dbus-1/services/org.freedesktop.portal.Desktop.service" <<'END'
[D-BUS Service]
Name=org.freedesktop.portal.Desktop
Exec=/bin/false
END
# A screen that began again whenever its last client goes would turn away the one that comes then.
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp -noreset 3>"$scratch/display" 2>"$scratch/xvfb" &
screen=$!
trap 'kill $screen 2>/dev/null || true; wait $screen 2>/dev/null || true; rm -rf "$scratch"' EXIT

# A display number is written once the screen can be used.
for _ in {1..400}; do
  [ -s "$scratch/display" ] && break
  kill -0 $screen 2>/dev/null || { cat "$scratch/xvfb"; exit 1; }
  sleep 0.05
done
[ -s "$scratch/display" ] || { echo "Xvfb gave no display within 20 s"; exit 1; }

env -u WAYLAND_DISPLAY -u WAYLAND_SOCKET -u XMODIFIERS -u BROWSER \
  DISPLAY=":$(cat "$scratch/display")" LIBGL_ALWAYS_SOFTWARE=1 GSETTINGS_BACKEND=memory LC_ALL=C.UTF-8 \
  XDG_DATA_HOME="$scratch/data" XDG_CACHE_HOME="$scratch/cache" \
  XDG_CONFIG_HOME="$scratch/config" XDG_RUNTIME_DIR="$scratch/run" \
  dbus-run-session -- "$@"
