#!/bin/sh
# Installs omg from a release: curl --proto '=https' --tlsv1.2 -fsSL https://get.ohmygpu.com | sh
# Options go behind `sh -s --`; `--help` lists them.
set -eu

RELEASES=${OMG_RELEASES:-https://github.com/ohmygpu/ohmygpu/releases}
# The archives that releases have; a test keeps this equal to scripts/targets.ts.
TARGETS='darwin-arm64 darwin-x64 linux-x64-gnu linux-arm64-gnu linux-x64-musl linux-arm64-musl'
OLDEST_GLIBC=2.28
# Public keys (P-256, DER, base64), one of which has signed every release; `npm run gen` keeps them equal to scripts/release-keys.ts.
KEYS='MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjt/NyHW/Ijd9/XHvOLgVSypTdXlj7dELVFUn86S7/En/9FQinRi4M79wLNEejkfSyg4obkaCZLRQwQK1Q4RWWg=='

usage() {
  cat <<EOF
Installs omg, a local AI server, with all it needs.

  curl --proto '=https' --tlsv1.2 -fsSL https://get.ohmygpu.com | sh
  curl --proto '=https' --tlsv1.2 -fsSL https://get.ohmygpu.com | sh -s -- --version 0.1.0

  --version X        that version and not the latest
  --prefix DIR       into DIR/bin and DIR/lib; default /usr/local, or ~/.local where that cannot be written
  --skip-signature   trust the site of the releases; for machines without openssl
  --uninstall        remove omg; models stay
  --help             this text
EOF
}

say() { printf '%s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# The name of this machine in the table of targets.
detect_target() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS* | CYGWIN*) fail 'This is Windows.' 'In PowerShell: irm https://get.ohmygpu.com/install.ps1 | iex' ;;
    *) fail "There is no release for $(uname -s)." 'Build it from the sources: https://github.com/ohmygpu/ohmygpu' ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "There is no release for $(uname -m) processors." 'Build it from the sources: https://github.com/ohmygpu/ohmygpu' ;;
  esac
  # A shell that Rosetta runs believes to be on Intel.
  if [ "$os" = darwin ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null || echo 0)" = 1 ]; then cpu=arm64; fi
  target=$os-$cpu
  if [ "$os" = linux ]; then target=$target-$(detect_libc); fi
  case " $TARGETS " in
    *" $target "*) ;;
    *) fail "There is no release for $target." 'With Node: npm install -g ohmygpu' ;;
  esac
}

# gnu or musl. Musl may be installed beside glibc, so glibc is asked for first.
detect_libc() {
  if glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null); then
    version=${glibc#glibc }
    if [ "$(printf '%s\n%s\n' "$OLDEST_GLIBC" "$version" | sort -t. -k1,1n -k2,2n | head -n 1)" != "$OLDEST_GLIBC" ]; then
      fail "omg needs glibc $OLDEST_GLIBC or newer; this system has $version."
    fi
    echo gnu
  elif ls /lib/ld-musl-* >/dev/null 2>&1 || ldd --version 2>&1 | grep -qi musl; then
    echo musl
  else
    echo gnu
  fi
}

# Sets `protocols` to those that a download may use: https, and plain http from this machine itself.
choose_protocols() {
  case $RELEASES in
    https://*) protocols='=https' ;;
    http://*@*) fail 'OMG_RELEASES has to begin with https://.' ;;
    http://127.0.0.1:* | http://localhost:*) protocols='=http,https' ;;
    *) fail 'OMG_RELEASES has to begin with https://.' ;;
  esac
}

# download URL FILE: as it is, or not at all.
download() {
  if has curl; then
    bar=--silent
    if [ -t 2 ] && [ "${3:-}" = bar ]; then bar=--progress-bar; fi
    curl --proto "$protocols" --tlsv1.2 --fail --location "$bar" --show-error --retry 2 --connect-timeout 20 --output "$2" "$1"
  elif has wget; then
    # GNU's tries twenty times with longer and longer pauses, and can be held to new TLS; that of busybox knows no such options.
    if wget --help 2>&1 | grep -q -e --secure-protocol; then
      wget -q --tries=2 --secure-protocol=TLSv1_2 -O "$2" "$1"
    else
      wget -q -O "$2" "$1"
    fi
  else
    fail 'Neither curl nor wget was found.' 'Install one of them, then run this again.'
  fi
}

# check_signature URL: whether one of the keys has signed the list of the release. Ends the script where not.
check_signature() {
  if [ -n "$skip_signature" ]; then
    say 'warning: --skip-signature: nobody but the site of the releases answers for what is installed.'
    return 0
  fi
  has openssl || fail 'The signature of the release cannot be checked: openssl was not found.' \
    'Install openssl, then run this again. With --skip-signature only damage is found, and no change by whoever runs the site.'
  download "$1" "$work/SHA256SUMS.sig" || fail "The signature of the release could not be fetched from $1." 'Nothing was changed.'
  openssl base64 -d -in "$work/SHA256SUMS.sig" -out "$work/signature" 2>/dev/null || true
  for key in $KEYS; do
    { echo '-----BEGIN PUBLIC KEY-----' && echo "$key" | fold -w 64 && echo '-----END PUBLIC KEY-----'; } >"$work/key.pem"
    says=$(openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/signature" "$work/SHA256SUMS" 2>/dev/null) || says=
    if [ "$says" = 'Verified OK' ]; then return 0; fi
  done
  fail "The release is not signed with a key of omg's makers." \
    "Whoever runs $RELEASES, or somebody on the way, may have changed it. Nothing was changed here."
}

# is_older A B: whether version A comes before version B by the rules of semver.
is_older() {
  awk -v a="$1" -v b="$2" '
    function order(a, b,   x, y, p, q, m, n, i, c, d) {
      sub(/\+.*/, "", a); sub(/\+.*/, "", b)
      x = index(a, "-"); y = index(b, "-")
      split(x ? substr(a, 1, x - 1) : a, p, "."); split(y ? substr(b, 1, y - 1) : b, q, ".")
      for (i = 1; i <= 3; i++) if (p[i] + 0 != q[i] + 0) return p[i] + 0 < q[i] + 0 ? -1 : 1
      if (!x || !y) return (y ? 1 : 0) - (x ? 1 : 0)
      m = split(substr(a, x + 1), p, "."); n = split(substr(b, y + 1), q, ".")
      for (i = 1; i <= m && i <= n; i++) {
        c = p[i] ~ /^[0-9]+$/; d = q[i] ~ /^[0-9]+$/
        if (c && d) { if (p[i] + 0 != q[i] + 0) return p[i] + 0 < q[i] + 0 ? -1 : 1 }
        else if (c != d) return c ? -1 : 1
        else if (p[i] "" != q[i] "") return p[i] "" < q[i] "" ? -1 : 1
      }
      return m - n
    }
    BEGIN { exit !(order(a, b) < 0) }'
}

sha256_of() {
  if has sha256sum; then
    sha256sum "$1" | cut -d ' ' -f 1
  elif has shasum; then
    shasum -a 256 "$1" | cut -d ' ' -f 1
  elif has openssl; then
    openssl dgst -sha256 "$1" | sed 's/.* //'
  else
    fail 'The download cannot be checked: none of sha256sum, shasum and openssl was found.' 'Install one of them, then run this again.'
  fi
}

choose_prefix() {
  [ -z "$prefix" ] || return 0
  if can_write /usr/local/bin && can_write /usr/local/lib; then prefix=/usr/local; else prefix=$HOME/.local; fi
}

can_write() { [ -d "$1" ] && [ -w "$1" ]; }

# The version that a link in bin/ leads to; nothing where there is none. Ends the script where something else is in the way.
linked_version() {
  link=$prefix/bin/$1
  if [ -L "$link" ]; then
    case $(readlink "$link") in
      ../lib/ohmygpu/*/bin/omg)
        found=$(readlink "$link")
        found=${found#../lib/ohmygpu/}
        echo "${found%/bin/omg}"
        return 0
        ;;
    esac
  elif [ ! -e "$link" ]; then
    return 0
  fi
  fail "$link is there already and does not belong to this installer." \
    'Remove it (with npm: npm uninstall -g ohmygpu), or choose another place with --prefix.'
}

# Makes a link in one step, so that there is an omg at every moment.
switch_link() {
  ln -s "../lib/ohmygpu/$2/bin/omg" "$prefix/bin/.$1.$$"
  mv -f "$prefix/bin/.$1.$$" "$prefix/bin/$1"
}

install_omg() {
  choose_protocols
  detect_target
  choose_prefix
  lib=$prefix/lib/ohmygpu
  before=$(linked_version omg)
  linked_version ohmygpu >/dev/null
  mkdir -p "$prefix/bin" "$lib" || fail "$prefix cannot be written." 'Choose another place with --prefix, or run this as root.'
  work=$lib/.installing.$$
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir "$work"

  if [ -n "$version" ]; then from=$RELEASES/download/v$version; else from=$RELEASES/latest/download; fi
  download "$from/SHA256SUMS" "$work/SHA256SUMS" ||
    fail "The list of files could not be fetched from $from." 'Check the network, and the version if you gave one.'
  line=$(grep -E "  ohmygpu-[0-9][0-9A-Za-z.+-]*-$target\.tar\.gz\$" "$work/SHA256SUMS" | head -n 1) || true
  [ -n "$line" ] || fail "That release has no archive for $target." 'With Node: npm install -g ohmygpu'
  expected=${line%% *}
  archive=${line##* }
  name=${archive#ohmygpu-}
  name=${name%-"$target".tar.gz}
  if [ -n "$version" ] && [ "$name" != "$version" ]; then fail "The release $version lists an archive of $name."; fi
  # From the folder of that version: the latest may become another one in between.
  check_signature "$RELEASES/download/v$name/SHA256SUMS.sig"
  # A site can offer an old release, which is signed as well, as the latest.
  if [ -z "$version" ] && [ -n "$before" ] && is_older "$name" "$before"; then
    fail "The latest release is said to be $name, and $before is installed." "To go back to it: --version $name"
  fi
  version=$name

  say "Downloading omg $version for $target"
  download "$RELEASES/download/v$version/$archive" "$work/$archive" bar ||
    fail "$archive could not be downloaded whole." 'Check the network, then run this again. Nothing was changed.'
  actual=$(sha256_of "$work/$archive")
  [ "$actual" = "$expected" ] || fail "$archive does not match its checksum." \
    'The download is damaged or was changed on its way; run this again. Nothing was changed.'

  mkdir "$work/unpacked"
  tar -xzf "$work/$archive" -C "$work/unpacked" || fail "$archive could not be unpacked." 'Is the disk full? Nothing was changed.'
  unpacked=$work/unpacked/${archive%.tar.gz}
  says=$("$unpacked/bin/omg" --version) || fail "omg $version does not run on this machine." 'Nothing was changed.'
  [ "$says" = "$version" ] || fail "The archive of $version says that it is $says. Nothing was changed."

  if [ -e "$lib/$version" ]; then mv "$lib/$version" "$work/replaced"; fi
  mv "$unpacked" "$lib/$version"
  switch_link omg "$version"
  switch_link ohmygpu "$version"
  says=$("$prefix/bin/omg" --version) || says=nothing
  [ "$says" = "$version" ] || fail "$prefix/bin/omg --version says $says and not $version."
  # A daemon may still run from the version before, so that one stays.
  for folder in "$lib"/*; do
    case ${folder##*/} in
      "$version" | "$before") ;;
      *) rm -rf "$folder" ;;
    esac
  done
  say "Installed omg $version as $prefix/bin/omg"
  advise
}

advise() {
  daemon=$(running_daemon)
  if [ -n "$daemon" ]; then
    say "The daemon (pid $daemon) goes on with the version it was started with. To change it: omg serve stop && omg serve -d"
  fi
  case :$PATH: in
    *":$prefix/bin:"*)
      found=$(command -v omg || true)
      if [ "$found" != "$prefix/bin/omg" ]; then say "Note: \`omg\` means $found, which comes first in PATH."; fi
      say 'Try it: omg run demo --start'
      return
      ;;
  esac
  say "$prefix/bin is not in PATH. Add it, then open a new terminal:"
  shell=${SHELL:-sh}
  case ${shell##*/} in
    fish) say "  fish_add_path $prefix/bin" ;;
    zsh) say "  echo 'export PATH=\"$prefix/bin:\$PATH\"' >> ~/.zshrc" ;;
    bash)
      if [ "$(uname -s)" = Darwin ]; then profile=.bash_profile; else profile=.bashrc; fi
      say "  echo 'export PATH=\"$prefix/bin:\$PATH\"' >> ~/$profile"
      ;;
    *) say "  echo 'export PATH=\"$prefix/bin:\$PATH\"' >> ~/.profile" ;;
  esac
}

# Process id of the daemon of this person's home folder; nothing where none runs.
running_daemon() {
  pid=$(cat "$(home_folder)/daemon.pid" 2>/dev/null) || return 0
  if kill -0 "$pid" 2>/dev/null; then echo "$pid"; fi
}

home_folder() { echo "${OMG_HOME:-$HOME/.config/ohmygpu}"; }

uninstall_omg() {
  if [ -z "$prefix" ]; then
    for candidate in /usr/local "$HOME/.local"; do
      if [ -d "$candidate/lib/ohmygpu" ]; then prefix=$candidate; fi
    done
  fi
  [ -n "$prefix" ] && [ -d "$prefix/lib/ohmygpu" ] || fail 'No omg of this installer was found.' 'Say where with --prefix.'
  omg=$prefix/bin/omg
  if [ -n "$(linked_version omg)" ]; then
    if [ -n "$(running_daemon)" ]; then "$omg" serve stop || fail 'The daemon could not be stopped; nothing was removed.'; fi
    "$omg" service uninstall --quiet >/dev/null 2>&1 || true
    rm -f "$omg" "$prefix/bin/ohmygpu"
  fi
  rm -rf "$prefix/lib/ohmygpu"
  home=$(home_folder)
  # By name and not all at once: the folder may be one that a person chose and shares.
  for entry in config.toml configurations.json template-verdicts.json aliases.yaml keys.json daemon.pid daemon.sock history chats logs backends; do rm -rf "${home:?}/$entry"; done
  if [ -d "$home/models" ]; then rmdir "$home/models" 2>/dev/null || say "Models stay in $home/models"; fi
  rmdir "$home" 2>/dev/null || true
  say "Removed omg from $prefix"
}

main() {
  version=${OMG_VERSION:-}
  prefix=
  uninstall=
  skip_signature=
  while [ $# -gt 0 ]; do
    case $1 in
      --version=*) version=${1#*=} && shift ;;
      --prefix=*) prefix=${1#*=} && shift ;;
      --version | --prefix)
        [ $# -ge 2 ] || fail "$1 needs a value."
        if [ "$1" = --version ]; then version=$2; else prefix=$2; fi
        shift 2
        ;;
      --skip-signature) skip_signature=yes && shift ;;
      --uninstall) uninstall=yes && shift ;;
      -h | --help) usage && return 0 ;;
      *) fail "Unknown option $1." 'See --help.' ;;
    esac
  done
  version=${version#v}
  case $version in *[!0-9A-Za-z.+-]*) fail "$version is not a version." ;; esac
  if [ -n "$prefix" ]; then
    case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
  fi
  if [ -n "$uninstall" ]; then uninstall_omg; else install_omg; fi
}

# Last, so that a script that was cut off on its way does nothing.
main "$@"
