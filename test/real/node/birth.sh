#!/bin/bash
# birth.sh DEBIAN WORK COMMAND…: runs the command in a copy of the Debian that is gone afterwards, as a machine that has
# just been given WORK/user-data: cloud-init finds it there. To be run by `unshare --mount --uts`, as root.
set -euo pipefail
debian=$1 work=$2
shift 2
mkdir "$work/layers"
mount -t tmpfs none "$work/layers"
mkdir "$work/layers/upper" "$work/layers/own" "$work/layers/root"
root=$work/layers/root
mount -t overlay none -o "lowerdir=$debian,upperdir=$work/layers/upper,workdir=$work/layers/own" "$root"
mount -t proc none "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mkdir -p "$root/var/lib/cloud/seed/nocloud" "$root/stage"
mount --bind "$work" "$root/stage"
cp "$work/user-data" "$root/var/lib/cloud/seed/nocloud/user-data"
echo 'instance-id: one' >"$root/var/lib/cloud/seed/nocloud/meta-data"
# Of cloud-init's modules those that our user_data needs and that leave the rest of this machine alone: packages are
# there already, and the host's name is not ours to change.
cat >"$root/etc/cloud/cloud.cfg.d/99_test.cfg" <<CFG
datasource_list: [NoCloud]
cloud_init_modules: [write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
CFG
exec chroot "$root" /usr/bin/env -i PATH=/stage/stand-ins:/usr/sbin:/usr/bin:/sbin:/bin REAL_PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  STATE=/stage TIMMY_NODE_ROOT= TIMMY_NODE_FAST=1 "$@"
