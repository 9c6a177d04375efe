#!/usr/bin/env bash
# tests/machines/packages.sh PACKAGE...: makes sure that Debian's packages are there. Installs
# those that are missing where that is allowed, unless INSTALL=no; exits 3 where they cannot be had.
set -euo pipefail

missing=()
for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} != 0 ] || exit 0
refused() {
    echo "these Debian packages are needed and cannot be installed here: ${missing[*]}" >&2
    exit 3
}
[ "${INSTALL:-}" != no ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || refused
{
    [[ " ${missing[*]} " != *:arm64* ]] || dpkg --add-architecture arm64
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
} >/dev/null 2>&1 || refused
