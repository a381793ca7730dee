#!/usr/bin/env bash
# Builds a Docker image that can stand in for ghcr.io/shopify/toxiproxy:<version>, from the Go module proxy only: takes
# nothing, leaves the image in the local Docker daemon and nothing else.
set -euo pipefail

# The same as in image-name.ts, where it says why.
readonly version=2.5.0
readonly image=ghcr.io/shopify/toxiproxy:$version
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
# Exit codes of kafka-trial: 2 is a usage error, 3 is something that the machine lacks.
readonly exit_usage=2 exit_machine=3

usage() {
  cat <<TEXT
Usage: build.sh [--if-missing] [--install]

Builds $image into the local Docker daemon.

  --if-missing  do nothing when the image is there already
  --install     install Go with apt-get first, where it is missing
TEXT
}

say() { printf 'toxiproxy:image: %s\n' "$*"; }
fail() { # exit code, sentence
  printf 'toxiproxy:image: %s\n' "$2" >&2
  exit "$1"
}

if_missing=false install=false
for argument; do
  case $argument in
    --if-missing) if_missing=true ;;
    --install) install=true ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; fail $exit_usage "'$argument' is no option." ;;
  esac
done
readonly if_missing install

# shellcheck source=../../image/check-docker.sh
source "$here/../../image/check-docker.sh"

install_go() {
  command -v apt-get >/dev/null || fail $exit_machine "--install needs apt-get, and this machine has none. Install Go by hand."
  say "installing Go"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends golang-go ca-certificates; } ||
    fail $exit_machine "apt-get could not install Go. Its own messages are above."
}

check_docker
if $if_missing && [[ -n $(docker image ls --quiet "$image") ]]; then
  say "$image is here already"
  exit 0
fi
if $install && ! command -v go >/dev/null; then install_go; fi
command -v go >/dev/null || fail $exit_machine "There is no go command. Install Go (on Debian: apt-get install golang-go), or add --install."

work=$(mktemp -d "${TMPDIR:-/tmp}/kafka-trial-toxiproxy.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "building Toxiproxy $version"
# In a folder of its own, so that no module around it has a say.
(cd "$work" && CGO_ENABLED=0 GOBIN=$work GOWORK=off go install -trimpath \
  -ldflags "-s -w -X github.com/Shopify/toxiproxy/v2.Version=$version" \
  "github.com/Shopify/toxiproxy/v2/cmd/server@v$version") >"$work/go.log" 2>&1 || {
  tail -n 20 "$work/go.log" >&2
  fail $exit_machine "Go could not build Toxiproxy $version; its last lines are above."
}
mv "$work/server" "$work/toxiproxy"
previous=$(docker image ls --quiet --no-trunc "$image")
tar -C "$work" --owner=0 --group=0 -c toxiproxy |
  docker import \
    --change 'ENTRYPOINT ["/toxiproxy"]' \
    --change 'CMD ["-host=0.0.0.0"]' \
    --change 'EXPOSE 8474' \
    --change "LABEL io.kafka-trial.built-locally=true org.opencontainers.image.version=$version org.opencontainers.image.title=\"Toxiproxy $version, built locally by kafka-trial\"" \
    --message "Toxiproxy $version, by kafka-trial" - "$image" >/dev/null
[[ -z $previous ]] || docker image rm "$previous" >/dev/null 2>&1 || true
say "$image is ready after $SECONDS s ($(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%d MB", $1 / 1e6 }'))"
