#!/bin/sh
# Pin what pyproject.toml asks for, and what builds memOS, into a lock file for every platform.
#
#   UPGRADE=--upgrade scripts/lock.sh requirements.lock --extra embedded
set -eu
lock=$1
shift
cd "$(dirname "$0")/.."
"${PYTHON:-python3}" -c '
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
        ${UPGRADE:-} "$@" --output-file "$lock" pyproject.toml -
