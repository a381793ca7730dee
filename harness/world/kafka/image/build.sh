#!/usr/bin/env bash
# Builds a Docker image that can stand in for apache/kafka:<version>, from Debian's packages and Maven Central only:
# takes a Kafka version, leaves the image in the local Docker daemon and nothing else.
set -euo pipefail

readonly default_version=4.3.1
readonly debian_suite=bookworm
readonly jre_package=openjdk-17-jre-headless
readonly jre_image=kafka-trial/jre:17-$debian_suite
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
# Exit codes of kafka-trial: 2 is a usage error, 3 is something that the machine lacks.
readonly exit_usage=2 exit_machine=3

usage() {
  cat <<TEXT
Usage: build.sh [version] [--if-missing] [--install] [--force]

Builds apache/kafka:<version> (default $default_version; 3.9.x and 4.x) into the local Docker daemon.

  --if-missing  do nothing when the image is there already
  --install     install missing tools (debootstrap, Maven) with apt-get first
  --force       replace an image of that name even if it was not built here
TEXT
}

say() { printf 'kafka:image: %s\n' "$*"; }
fail() { # exit code, sentence
  printf 'kafka:image: %s\n' "$2" >&2
  exit "$1"
}

version=$default_version if_missing=false install=false force=false
for argument; do
  case $argument in
    --if-missing) if_missing=true ;;
    --install) install=true ;;
    --force) force=true ;;
    -h | --help) usage; exit 0 ;;
    [0-9]*.[0-9]*.[0-9]*) version=$argument ;;
    *) usage >&2; fail $exit_usage "'$argument' is neither an option nor a Kafka version such as $default_version." ;;
  esac
done
readonly version if_missing install force
readonly image=apache/kafka:$version

label() { docker image inspect --format "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null || true; }

# shellcheck source=check-docker.sh
source "$here/check-docker.sh"

install_missing_tools() {
  local packages=()
  command -v debootstrap >/dev/null || packages+=(debootstrap ca-certificates)
  command -v mvn >/dev/null || packages+=(maven)
  ((${#packages[@]})) || return 0
  command -v apt-get >/dev/null || fail $exit_machine "--install needs apt-get, and this machine has none. Install ${packages[*]} by hand."
  say "installing ${packages[*]}"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"; } ||
    fail $exit_machine "apt-get could not install ${packages[*]}. Its own messages are above."
}

check_tools() {
  command -v mvn >/dev/null ||
    fail $exit_machine "There is no mvn command. Install Maven (on Debian: apt-get install maven), or add --install."
  [[ -z $(docker image ls --quiet "$jre_image") ]] || return 0
  command -v debootstrap >/dev/null ||
    fail $exit_machine "There is no debootstrap command. Install it (on Debian: apt-get install debootstrap), or add --install."
  ((EUID == 0)) ||
    fail $exit_machine "debootstrap makes a root file system and needs root rights. Run this with sudo, or pull $image instead."
}

# Runs a long command in a process group of its own, so that a signal ends all of it at once instead of after it.
run() {
  local status=0
  setsid "$@" &
  child=$!
  wait $child || status=$?
  child=''
  return $status
}

# The mirror that this machine itself uses, where it is a Debian; its own choice is the one that works from here.
debian_mirror() {
  local uri=''
  if command -v apt-get >/dev/null; then
    uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
      awk '$1 ~ /^[a-z]+$/ && $2 == "main" && $3 ~ /\/debian\/?$/ { print $3; exit }') || uri=''
  fi
  echo "${uri:-http://deb.debian.org/debian}"
}

build_jre_image() {
  local started=$SECONDS mirror rootfs=$work/rootfs
  mirror=$(debian_mirror)
  say "making a Debian $debian_suite root file system with $jre_package from $mirror"
  run debootstrap --variant=minbase --include=$jre_package,ca-certificates $debian_suite "$rootfs" "$mirror" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    fail $exit_machine "debootstrap could not make the root file system; its last lines are above."
  }
  chroot "$rootfs" useradd --uid 1000 --create-home --shell /bin/bash appuser
  rm -rf "$rootfs"/var/cache/apt/* "$rootfs"/var/lib/apt/lists/* "$rootfs"/var/log/* \
    "$rootfs"/usr/share/{doc,man,info,locale}/*
  tar -C "$rootfs" --one-file-system -c . |
    docker import \
      --change 'CMD ["/bin/bash"]' \
      --change 'ENV PATH=/opt/kafka/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8' \
      --change 'LABEL io.kafka-trial.built-locally=true' \
      --message 'Debian with a JRE, by kafka-trial' - "$jre_image" >/dev/null
  rm -rf "$rootfs"
  say "$jre_image is ready after $((SECONDS - started)) s"
}

copy_jars() { # target folder
  local profile=()
  [[ $version == 3.* ]] || profile=(-Plog4j2)
  say "fetching the jars of Kafka $version"
  run mvn --batch-mode --update-snapshots --no-transfer-progress -f "$here/pom.xml" "${profile[@]}" -Dkafka.version="$version" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$1" >"$work/maven.log" 2>&1 || {
    grep ERROR "$work/maven.log" | head -n 5 >&2 || true
    fail $exit_machine "Maven could not fetch the jars of Kafka $version; its messages are above. Not every version is complete on Maven Central."
  }
}

# Tools have moved between packages over the versions: write a wrapper for the class that these jars really have.
write_tool() { # libs folder, script, candidate classes in order
  local libs=$1 script=$2 class
  shift 2
  for class; do
    # File names stand uncompressed in a jar's directory, so grep can look without a JDK.
    if grep -q --binary-files=text -F "${class//.//}.class" "$libs"/kafka*.jar; then
      printf '%s\n' '#!/usr/bin/env bash' \
        "# Kafka's own tool $class: takes its arguments, prints its result." \
        "exec /opt/kafka/bin/kafka-run-class.sh $class \"\$@\"" >"$script"
      return
    fi
  done
  fail 1 "None of the classes $* is in the jars of Kafka $version, so $(basename "$script") cannot be made."
}

stage_files() { # target folder
  local stage=$1 bin=$1/opt/kafka/bin libs=$1/opt/kafka/libs
  cp -R "$here/root/." "$stage"
  mkdir -p "$libs" "$stage/mnt/shared/config" "$stage/var/lib/kafka/data"
  copy_jars "$libs"
  # The logging set-up of the other major version would win over the right one.
  if [[ $version == 3.* ]]; then rm "$stage"/opt/kafka/config/*-log4j2.properties; else rm "$stage"/opt/kafka/config/*-log4j.properties; fi
  write_tool "$libs" "$bin/kafka-topics.sh" org.apache.kafka.tools.TopicCommand
  write_tool "$libs" "$bin/kafka-consumer-groups.sh" org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
  write_tool "$libs" "$bin/kafka-console-consumer.sh" org.apache.kafka.tools.consumer.ConsoleConsumer kafka.tools.ConsoleConsumer
  write_tool "$libs" "$bin/kafka-console-producer.sh" org.apache.kafka.tools.ConsoleProducer kafka.tools.ConsoleProducer
  write_tool "$libs" "$bin/kafka-configs.sh" org.apache.kafka.tools.ConfigCommand kafka.admin.ConfigCommand
  # Set here because neither a package archive nor every checkout keeps the permission bits.
  chmod -R u=rwX,go=rX "$stage"
  chmod 755 "$bin"/*.sh "$stage/etc/kafka/docker/run"
}

# By create, cp and commit instead of a Dockerfile: this needs no builder at all, old or new.
build_kafka_image() {
  local previous stage=$work/stage
  mkdir -p "$stage"
  stage_files "$stage"
  say "putting $image together"
  container=$(docker create --user appuser "$jre_image" /opt/kafka/bin/make-class-archives.sh)
  # Only folders of Kafka's own go over, so that no permission of the base's folders changes.
  tar -C "$stage" --owner=1000 --group=1000 -c opt/kafka etc/kafka var/lib/kafka mnt/shared | docker cp - "$container:/"
  say "running a broker once, to archive its classes for faster starts"
  run docker start --attach "$container" >"$work/archive.log" 2>&1 || {
    tail -n 20 "$work/archive.log" >&2
    fail 1 "A broker of the new image could not run once; its last lines are above."
  }
  previous=$(docker image ls --quiet --no-trunc "$image")
  docker commit \
    --change 'WORKDIR /opt/kafka' \
    --change 'CMD ["/etc/kafka/docker/run"]' \
    --change 'EXPOSE 9092' \
    --change "LABEL io.kafka-trial.built-locally=true org.opencontainers.image.version=$version org.opencontainers.image.vendor=kafka-trial org.opencontainers.image.title=\"Apache Kafka $version, built locally by kafka-trial\"" \
    --message "Kafka $version, by kafka-trial" "$container" "$image" >/dev/null
  # The image that this one replaced has no name any more; it goes unless a container still uses it.
  [[ -z $previous ]] || docker image rm "$previous" >/dev/null 2>&1 || true
}

check_docker
if [[ -n $(docker image ls --quiet "$image") ]]; then
  if $if_missing; then
    say "$image is here already"
    exit 0
  fi
  if [[ $(label "$image" io.kafka-trial.built-locally) != true ]] && ! $force; then
    say "$image is here already and was not built by this script; it stays as it is (--force replaces it)"
    exit 0
  fi
fi
if $install; then install_missing_tools; fi
check_tools

container='' child=''
work=$(mktemp -d "${TMPDIR:-/tmp}/kafka-trial-image.XXXXXX")
clean_up() {
  if [[ -n $child ]]; then
    kill -KILL -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  # An interrupted debootstrap leaves these mounted.
  umount --quiet "$work"/rootfs/{proc,sys} 2>/dev/null || true
  [[ -z $container ]] || docker rm --force --volumes "$container" >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[[ -n $(docker image ls --quiet "$jre_image") ]] || build_jre_image
build_kafka_image
say "$image is ready after $SECONDS s ($(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%d MB", $1 / 1e6 }'))"
