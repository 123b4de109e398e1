# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

# Commits are those of GitHub's own account.
export GIT_AUTHOR_NAME='github-actions[bot]' GIT_COMMITTER_NAME='github-actions[bot]'
export GIT_AUTHOR_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
export GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "error: $*"
  exit 1
}
