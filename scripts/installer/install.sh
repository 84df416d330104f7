#!/bin/sh
# Finds a Python that the package is made for and starts install.py with it. No root is needed.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
for version in @PYTHONS@; do
  if "python$version" -c "import venv, ensurepip" 2>/dev/null; then
    exec "python$version" "$here/install.py" "$@"
  fi
done
if ! python3 -c "import venv, ensurepip" 2>/dev/null; then
  echo "No Python with venv was found. samechild @VERSION@ needs one of: @PYTHONS@ (on Debian also python3-venv)" >&2
  exit 2
fi
exec python3 "$here/install.py" "$@"
