#!/bin/sh
# Install a lock file and memOS itself into .venv, with uv where it is to be had, else with pip.
#
#   PYTHON=python3.12 scripts/install.sh requirements.lock
set -eu
lock=$1
python=${PYTHON:-python3}
cd "$(dirname "$0")/.."

fail() {
    echo "memos: $1" >&2
    exit 1
}

is_new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
if ! "$python" -c "$is_new_enough" 2>/dev/null; then
    found=$("$python" --version 2>/dev/null || echo "no such program")
    fail "Python 3.11 or newer is needed, and $python is: $found. Name another, as in: PYTHON=python3.12 make up"
fi
if [ "$("$python" -c 'import sys; print(sys.platform)')" = win32 ]; then
    fail "This script is for Linux and macOS. On Windows, use WSL."
fi

if uv --version >/dev/null 2>&1; then uv=yes; else uv=; fi

if ! .venv/bin/python -c "$is_new_enough" 2>/dev/null; then
    rm -rf .venv
    if [ "$uv" ]; then
        uv venv --quiet --no-python-downloads --python "$(command -v "$python")" .venv
    else
        "$python" -m venv .venv || fail "$python makes no virtual environment. On Debian: apt install python3-venv"
    fi
fi

echo "Installing $lock into .venv" >&2
if [ "$uv" ]; then
    export VIRTUAL_ENV="$PWD/.venv"
    uv pip install --quiet --require-hashes -r "$lock"
    uv pip install --quiet --no-deps --no-build-isolation -e .
else
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    pip=".venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input"
    $pip --require-hashes -r "$lock"
    $pip --no-deps --no-build-isolation -e .
fi
