#!/usr/bin/env bash
# The package as its users get it: takes nothing; packs it, looks at what is declared, installs it into an empty folder
# beside the example's own packages, runs it there, and ends with 0 where all of that works.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

npm pack "$root" --pack-destination "$folder" --ignore-scripts --silent >/dev/null
tarball=("$folder"/kafka-trial-*.tgz)
"$root/node_modules/.bin/publint" --strict "${tarball[0]}"

mkdir "$folder/outbox"
cp -R "$root"/examples/outbox/. "$folder/outbox"
cd "$folder/outbox"
# What npm has fetched for the repository itself is in its cache.
npm pkg set devDependencies.kafka-trial="file:${tarball[0]}"
npm install --prefer-offline --no-audit --no-fund --silent

npx --no-install kafka-trial run --runs 2 --seed 1 --profile calm --client reference
npx --no-install kafka-trial lessons crash-before-commit
npx --no-install tsc --noEmit
CONSUMER=./consumer.fixed.ts TRIAL_RUNS=2 npm test
echo 'The package installs and runs in an empty folder.'
