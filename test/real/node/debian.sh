#!/bin/bash
# debian.sh FOLDER: a Debian 13 as the cloud's image has it, with what a node's scripts are checked by. Needs root and
# mmdebstrap; about two minutes.
set -euo pipefail
packages=cloud-init,nodejs,systemd,openssh-server,fail2ban,docker-cli,docker-compose,jq,openssl,curl,ca-certificates,iproute2
rm -rf "$1.new"
mmdebstrap --quiet --variant=apt --include="$packages" trixie "$1.new" "deb http://deb.debian.org/debian trixie main"
mv "$1.new" "$1"
