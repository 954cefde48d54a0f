#!/bin/sh
# Installs drg-engine @version@ without a network: sh install.sh [FOLDER]
# FOLDER is a new virtual environment, $HOME/drg when left out. PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")"
target=${1:-$HOME/drg}
python=${PYTHON:-python@python@}
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@python@")' || {
    echo "Python @python@ is needed (PYTHON=... names one) / 需要 Python @python@（可用 PYTHON=… 指定）" >&2
    exit 2
}
"$python" verify.py
"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
    --find-links wheels --require-hashes -r requirements.txt
"$target/bin/drg" --version
echo "installed / 已安装: $target/bin/drg"
