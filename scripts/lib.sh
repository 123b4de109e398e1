# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
LOCAL=$ROOT/.local
VENV=$LOCAL/venv

# stdout is for results, so that `eval "$(make -s local-env)"` works.
say() { printf '%s\n' "$*" >&2; }

# fail MESSAGE HINT
fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

# Runs a command that is only of interest when it fails: its output goes to LOG.
# quietly LOG COMMAND…
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 20 "$log" >&2
  return 1
}

# Lets one of several runs at a time into a function. What the function starts does not
# inherit the lock, or a server would hold it for as long as it lives.
# locked FUNCTION ARGUMENTS…
locked() {
  mkdir -p "$LOCAL"
  if command -v flock >/dev/null; then
    (
      flock 9
      "$@" 9>&-
    ) 9>"$LOCAL/lock"
  else
    locked_by_folder "$@"
  fi
}

# For systems without flock (macOS). A lock whose holder has died is taken over.
locked_by_folder() (
  lock=$LOCAL/lock.d
  until mkdir "$lock" 2>/dev/null; do
    holder=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock"; fi
    sleep 0.2
  done
  trap 'rm -rf "$lock"' EXIT
  echo "$$" >"$lock/pid"
  "$@"
)

# Whether PID lives and its command line contains TEXT: a number in an old pid file may
# belong to someone else's process by now.
# is_process PID TEXT
is_process() {
  [ -n "$1" ] && kill -0 "$1" 2>/dev/null || return 1
  local line
  if [ -r "/proc/$1/cmdline" ]; then
    line=$(tr '\0' ' ' <"/proc/$1/cmdline")
  else
    line=$(ps -ww -o command= -p "$1" || true)
  fi
  case $line in *"$2"*) return 0 ;; *) return 1 ;; esac
}

# A free port of 127.0.0.1: WANTED when it is still free, so that restarts keep the port.
# free_port [WANTED]
free_port() {
  "$VENV/bin/python" - "${1:-0}" <<'PYTHON'
import socket, sys
for port in int(sys.argv[1]), 0:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(s.getsockname()[1])
        break
PYTHON
}
