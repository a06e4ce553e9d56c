#!/bin/sh
# Writes a root file system like that of debian:trixie-slim as a tar, from Debian's signed archive alone:
#
#   rootfs.sh OUT.tar && docker import --change 'CMD ["bash"]' OUT.tar NAME
#
# Environment:
#   DEBIAN_MIRROR           the archive; default http://deb.debian.org/debian
#   DEBIAN_SECURITY_MIRROR  its security archive; default: DEBIAN_MIRROR with "-security" added
# Both are also what apt inside the image asks from then on. Progress goes to stderr, nothing to stdout.
set -eu

suite=trixie
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
mirror=${mirror%/}
security=${DEBIAN_SECURITY_MIRROR:-$mirror-security}
security=${security%/}

say() { printf 'rootfs: %s\n' "$*" >&2; }
fail() { printf 'rootfs: error: %s\n' "$*" >&2; exit 1; }

[ $# -eq 1 ] || fail "usage: rootfs.sh OUT.tar"
case $1 in
    /*) out=$1 ;;
    *) out=$PWD/$1 ;;
esac
[ -d "$(dirname "$out")" ] || fail "the folder of $out does not exist"
[ "$(id -u)" -eq 0 ] || fail "debootstrap unpacks with chroot and owners, so it must run as root: run this with sudo"
PATH=$PATH:/usr/sbin:/sbin
export PATH
command -v debootstrap >/dev/null 2>&1 ||
    fail "debootstrap is missing: apt-get install debootstrap debian-archive-keyring"

# debootstrap quietly skips the check of signatures when it finds no keyring; a base must not be made that way.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || fail "$keyring is missing: apt-get install debian-archive-keyring"

work=$(mktemp -d "${TMPDIR:-/tmp}/tiermark-rootfs.XXXXXX")
root=$work/root
cleanup() {
    # debootstrap leaves these mounted when it is interrupted in its second stage.
    for m in proc sys; do
        if mountpoint -q "$root/$m" 2>/dev/null; then umount "$root/$m" || return 0; fi
    done
    rm -rf "$work" "$out.part"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "debootstrap $suite from $mirror"
if ! debootstrap --variant=minbase --keyring="$keyring" "$suite" "$root" "$mirror" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    [ ! -f "$root/debootstrap/debootstrap.log" ] || tail -n 20 "$root/debootstrap/debootstrap.log" >&2
    fail "debootstrap failed (its last lines are above); if the archive cannot be reached, name another with DEBIAN_MIRROR"
fi

say "settings of the slim image"
# Services must not start while a package is installed in an image build.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"
# Unsynced unpacking: a build that breaks off is thrown away as a whole.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
# Documentation, manual pages and translations stay out, later installations included.
cat >"$root/etc/dpkg/dpkg.cfg.d/docker" <<'EOF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/linda/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
EOF
# No package archives or indexes are kept in the image.
cat >"$root/etc/apt/apt.conf.d/docker-clean" <<'EOF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
EOF
echo 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/docker-no-languages"
echo 'Acquire::Retries "3";' >"$root/etc/apt/apt.conf.d/docker-retries"

rm -f "$root/etc/apt/sources.list"
cat >"$root/etc/apt/sources.list.d/debian.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $suite $suite-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security
Suites: $suite-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF

say "cleaning"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old \
    "$root"/var/cache/ldconfig/aux-cache "$root"/var/log/*.log "$root"/var/log/apt "$root"/var/lib/dpkg/*-old \
    "$root"/tmp/* "$root"/run/* "$root"/debootstrap
mkdir -p "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial" "$root/var/log/apt"
find "$root/usr/share/doc" -mindepth 2 ! -type d ! -name copyright -delete
find "$root/usr/share/doc" -mindepth 1 -type d -empty -delete
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/groff/* "$root"/usr/share/lintian/* \
    "$root"/usr/share/linda/*
find "$root/usr/share/locale" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
# What debootstrap copied from this machine does not belong into an image.
rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
: >"$root/etc/machine-id"

say "writing $out"
tar --numeric-owner --sort=name --one-file-system -C "$root" -cf "$out.part" .
mv "$out.part" "$out"
say "done: $(du -m "$out" | cut -f1) MB"
