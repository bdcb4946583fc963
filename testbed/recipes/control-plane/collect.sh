#!/bin/sh
# Copies programs, the libraries they load, iptables' extensions and its commands into a folder: all that kube-proxy
# needs of a Debian.
set -eu
out=$1
shift
keep() {
    mkdir -p "$out$(dirname "$1")"
    cp --archive --dereference "$1" "$out$1"
}
for name in "$@"; do
    program=$(command -v "$name")
    keep "$program"
    ldd "$program" | grep -o '/[^ ]*' | while read -r library; do keep "$library"; done
done
for extension in /usr/lib/*/xtables/*.so; do
    keep "$extension"
    ldd "$extension" | grep -o '/[^ ]*' | while read -r library; do keep "$library"; done
done
for link in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -s xtables-nft-multi "$out/usr/sbin/$link"
done
