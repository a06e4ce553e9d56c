#!/bin/sh
# Makes an image trust the certificate authorities in a PEM bundle: `trust.sh FILE.pem`, as root, in the image.
#
# The harness copies it into a one-layer wrapper round every base when extra authorities are given. Whatever trusts
# certificates in the base is set up by files alone, never by environment variables, which every later image would
# inherit. A base in which nothing of it exists keeps the certificates in Debian's place for them: the
# ca-certificates package takes them in when it is installed later.
set -eu

fail() { printf 'trust: error: %s\n' "$*" >&2; exit 1; }

[ $# -eq 1 ] || fail "usage: trust.sh FILE.pem"
[ -r "$1" ] || fail "cannot read $1"

anchors=/usr/local/share/ca-certificates
mkdir -p "$anchors"
rm -f "$anchors"/tiermark-*.crt

# One file a certificate: update-ca-certificates takes in only the first of each file. No awk or openssl: neither
# needs to be in a base. CR is dropped, since bundles that passed through Windows have it.
n=0
inside=no
cr=$(printf '\r')
while IFS= read -r line || [ -n "$line" ]; do
    line=${line%"$cr"}
    case $line in
        '-----BEGIN CERTIFICATE-----' | '-----BEGIN TRUSTED CERTIFICATE-----')
            n=$((n + 1))
            inside=yes
            : >"$anchors/tiermark-$n.crt"
            ;;
    esac
    [ "$inside" = no ] || printf '%s\n' "$line" >>"$anchors/tiermark-$n.crt"
    case $line in
        '-----END CERTIFICATE-----' | '-----END TRUSTED CERTIFICATE-----') inside=no ;;
    esac
done <"$1"
[ "$n" -gt 0 ] || fail "$1 holds no certificate"
[ "$inside" = no ] || fail "$1 ends in the middle of certificate $n"
chmod 0644 "$anchors"/tiermark-*.crt

# The system's bundle: Debian's own tool, if it is there.
system=/etc/ssl/certs/ca-certificates.crt
if command -v update-ca-certificates >/dev/null 2>&1; then
    update-ca-certificates >/dev/null
fi

# npm and pip take one file in place of the roots that they bring along, so it must hold those too: the system's bundle
# where there is one, else what Node or pip carries, with the extra authorities added.
bundle_for() { # name, command that prints the public roots...
    if [ -f "$system" ]; then
        bundle=$system
    else
        bundle=/usr/local/share/tiermark-$1.pem
        shift
        { "$@" 2>/dev/null || true; } >"$bundle"
        cat "$anchors"/tiermark-*.crt >>"$bundle"
        chmod 0644 "$bundle"
    fi
}

# Sets `key=value` in an ini-like file, in place of an earlier value.
set_key() { # file, key, value
    mkdir -p "$(dirname "$1")"
    [ ! -f "$1" ] || { grep -v "^[[:space:]]*$2[[:space:]]*=" "$1" || true; } >"$1.new"
    printf '%s=%s\n' "$2" "$3" >>"$1.new"
    mv "$1.new" "$1"
    chmod 0644 "$1"
}

# npm reads its global settings from <prefix>/etc/npmrc.
if command -v npm >/dev/null 2>&1; then
    bundle_for npm node -p 'require("tls").rootCertificates.join("\n")'
    if prefix=$(npm prefix -g 2>/dev/null) && [ -n "$prefix" ]; then
        # Debian's npm looks in /etc/npmrc instead, which `globalconfig` says.
        file=$(npm config get globalconfig 2>/dev/null) || file=
        set_key "${file:-$prefix/etc/npmrc}" cafile "$bundle"
    fi
fi

# pip: its file is made anew where there is none, and kept where the base brings one.
pip=$(command -v pip || command -v pip3 || true)
if [ -n "$pip" ]; then
    python=$(command -v python3 || command -v python || true)
    bundle_for pip "${python:-false}" -c 'import pip._vendor.certifi as c; print(c.contents())'
    if [ -f /etc/pip.conf ] && grep -q '^\[global\]' /etc/pip.conf; then
        grep -v '^[[:space:]]*cert[[:space:]]*=' /etc/pip.conf | sed "s|^\[global\].*|&\ncert = $bundle|" >/etc/pip.conf.new
        mv /etc/pip.conf.new /etc/pip.conf
    else
        printf '[global]\ncert = %s\n' "$bundle" >>/etc/pip.conf
    fi
    chmod 0644 /etc/pip.conf
fi

# Java keeps a store of its own.
if command -v keytool >/dev/null 2>&1; then
    i=1
    while [ "$i" -le "$n" ]; do
        keytool -delete -cacerts -storepass changeit -alias "tiermark-$i" >/dev/null 2>&1 || true
        keytool -importcert -noprompt -trustcacerts -cacerts -storepass changeit \
            -alias "tiermark-$i" -file "$anchors/tiermark-$i.crt" >/dev/null 2>&1 ||
            fail "keytool did not take certificate $i"
        i=$((i + 1))
    done
fi

printf 'trust: %s certificate(s)\n' "$n"
