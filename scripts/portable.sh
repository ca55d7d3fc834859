#!/bin/sh
# bfa @VERSION@ for Linux @CPU@, in one file: what follows this script is a tar archive. The first run unpacks it into the cache
# folder; later ones start from there. Needs a shell, coreutils, findutils, tar and gzip.

fail() {
  echo "bfa: Cannot start: $1" >&2
  exit 8
}

cache=${BFA_CACHE_DIR:-}
if [ -z "$cache" ]; then
  case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/bfa ;;
  *) [ -z "${HOME:-}" ] || cache=$HOME/.cache/bfa ;;
  esac
fi
[ -n "$cache" ] || fail "there is no cache folder; set BFA_CACHE_DIR or HOME"
programs=$cache/program
program=$programs/@ID@

if ! [ -d "$program" ]; then
  mkdir -p "$programs" 2>/dev/null || fail "the folder $programs cannot be written; set BFA_CACHE_DIR to one that can"
  new=$(mktemp -d "$programs/new.XXXXXX" 2>/dev/null) ||
    fail "the folder $programs cannot be written; set BFA_CACHE_DIR to one that can"
  trap 'rm -rf "$new"' EXIT
  trap 'exit 130' HUP INT TERM
  why=$(tail -c +@OFFSET@ "$0" | tar -xzof - -C "$new" 2>&1) ||
    fail "it cannot be unpacked to $programs: the disk is full, or this file is damaged and must be downloaded again ($(
      echo "$why" | head -n 1
    ))"
  # The name appears whole or not at all; of several first runs, one gives it.
  mv -T "$new" "$program" 2>/dev/null || [ -d "$program" ] || fail "the folder $programs cannot be written"
  trap - HUP INT TERM EXIT
  rm -rf "$new"
  # What a killed first run left behind.
  find "$programs" -maxdepth 1 -name 'new.*' -mtime +0 -exec rm -rf {} + 2>/dev/null
fi

[ -x "$program/deno" ] || fail "programs in $programs may not be run; set BFA_CACHE_DIR to a folder elsewhere"
export DENO_DIR="$programs/deno" DENO_NO_UPDATE_CHECK=1
exec "$program/deno" run -A --quiet --no-lock "$program/bfa.js" "$@"
