# Sourced by the scripts that build images: makes sure that a Docker daemon can be used; `fail` says why it cannot.

check_docker() {
  command -v docker >/dev/null ||
    fail $exit_machine "There is no docker command. Install Docker (on Debian: apt-get install docker.io) and start it."
  local answer
  answer=$(docker version --format '{{.Server.Version}}' 2>&1) && return
  [[ $answer != *"permission denied"* ]] ||
    fail $exit_machine "This user may not use the Docker daemon. Run this with sudo, or join the group docker."
  fail $exit_machine "The Docker daemon does not answer. Start it (for example: systemctl start docker, or dockerd) and check with 'docker info'."
}
