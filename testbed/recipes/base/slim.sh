#!/bin/sh
# Takes out of a fresh Debian what no container reads.
set -eu
cd "$1"
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* tmp/* var/tmp/*
rm -rf usr/share/doc/* usr/share/man/* usr/share/info/* usr/share/locale/*
