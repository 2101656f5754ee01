#!/bin/bash
# Makes a rented machine a Bitcoin node. Run as root by timmy-setup.service at first boot, and again until it succeeds:
# each step leaves a mark in /var/lib/timmy/steps and is not done twice; killed midway, it is done again and ends the same.
# TIMMY_NODE_ROOT: every path is under it (tests). TIMMY_NODE_FAST=1: waits are short (tests).
set -euo pipefail
umask 077
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

root=${TIMMY_NODE_ROOT:-}
opt=$root/opt/timmy
kept=$root/var/lib/timmy
secrets=$kept/secrets
bitcoin=$root/var/lib/bitcoin
lnd=$root/var/lib/lnd
lnbits=$root/var/lib/lnbits
# The users of the containers: they have no name on this machine.
bitcoin_user=2101 lnd_user=2102 lnbits_user=2103

say() { echo "timmy-setup: $*"; }

nap() { if [ "${TIMMY_NODE_FAST:-}" = 1 ]; then sleep 0.02; else sleep "$1"; fi; }

# tries COUNT SECONDS COMMAND…: until it succeeds.
tries() {
  local left=$1 seconds=$2
  shift 2
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    say "again in $seconds s: $1"
    nap "$seconds"
  done
}

# keep FILE: what comes on stdin becomes the file, whole or not at all. Mode 0600 until somebody says otherwise.
keep() {
  cat >"$1.new"
  sync "$1.new"
  mv "$1.new" "$1"
}

# line FILE TEXT: the file has this line, once.
line() {
  mkdir -p "$(dirname "$1")"
  grep -qxF -- "$2" "$1" 2>/dev/null || printf '%s\n' "$2" >>"$1"
}

compose() { docker compose --file "$opt/compose.yml" "$@"; }

# --- The steps ---------------------------------------------------------------------------------------------------------

# cloud-init has installed these unless the mirror failed it; it does not try twice, we do.
packages() {
  local missing=0 command
  for command in docker node ufw fail2ban-client openssl curl jq iptables gpg; do
    command -v "$command" >/dev/null || missing=1
  done
  [ "$missing" = 1 ] || return 0
  tries 5 30 apt-get -o DPkg::Lock::Timeout=600 update
  # shellcheck disable=SC2046 # one word for each package
  tries 5 30 apt-get -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends $(cat "$opt/packages")
}

# The cloud serves this machine's user_data, the claim in it, to every local process. From here on to root alone.
metadata() { systemctl enable --now timmy-metadata.service; }

# Where the agent finds what is here.
services() {
  local checkpoint=null
  if [ -n "$TIMMY_CHECKPOINT_HASH" ]; then
    checkpoint="{\"height\": $TIMMY_CHECKPOINT_HEIGHT, \"hash\": \"$TIMMY_CHECKPOINT_HASH\"}"
  fi
  keep "$root/etc/timmy/services.json" <<JSON
{
  "bitcoin_conf": "$bitcoin/bitcoin.conf",
  "bitcoin_cookie": "$bitcoin/.cookie",
  "compose": "$opt/compose.yml",
  "data_dir": "$bitcoin",
  "checkpoint": $checkpoint
}
JSON
}

agent() { systemctl enable --now --no-block timmy-agent.service; }

swap() {
  local file=$root/swapfile mib=4096
  [ "$memory_mib" -le 9216 ] || mib=2048
  if ! swapon --show=NAME --noheadings | grep -qxF "$file"; then
    rm -f "$file"
    fallocate -l "${mib}M" "$file"
    chmod 600 "$file"
    mkswap "$file" >/dev/null
    swapon "$file"
  fi
  line "$root/etc/fstab" "$file none swap sw 0 0"
  sysctl --quiet --load "$root/etc/sysctl.d/60-timmy.conf"
}

# SSH and Bitcoin's peers come in; Lightning's once lnd-init has been run. Containers publish no ports: those would
# pass by ufw.
firewall() {
  ufw default deny incoming
  ufw default allow outgoing
  ufw limit 22/tcp
  ufw allow 8333/tcp
  ufw --force enable
}

host() {
  mkdir -p "$root/run/sshd"
  sshd -t
  systemctl reload-or-restart ssh.service
  systemctl enable fail2ban.service unattended-upgrades.service
  systemctl restart fail2ban.service unattended-upgrades.service
}

volume() {
  [ -n "$TIMMY_VOLUME" ] || return 0
  local device=$root/dev/disk/by-id/scsi-0DO_Volume_$TIMMY_VOLUME
  tries 60 10 test -e "$device"
  # The cloud formats it. What has no file system at all gets one; what has one is never formatted.
  blkid "$device" >/dev/null || mkfs.ext4 -q "$device"
  mkdir -p "$bitcoin"
  line "$root/etc/fstab" "$device $bitcoin ext4 defaults,nofail,discard,noatime 0 2"
  systemctl daemon-reload
  mountpoint --quiet "$bitcoin" || mount "$bitcoin"
  mountpoint --quiet "$bitcoin"
}

# docker.service has been given new limits by a file of ours, which may have come after it was started.
docker_limits() {
  systemctl daemon-reload
  systemctl restart docker.service
}

# secret NAME: 32 bytes of this machine's own chance, in hex, made once.
secret() {
  [ ! -s "$secrets/$1" ] || return 0
  local value
  value=$(openssl rand -hex 32)
  [ "${#value}" = 64 ]
  printf '%s' "$value" | keep "$secrets/$1"
}

make_secrets() {
  mkdir -p "$secrets"
  chmod 700 "$secrets"
  local name
  for name in rpc-owner rpc-lnd lnbits-first-install lnbits-auth; do secret "$name"; done
}

# rpcauth USER SALT, the password on stdin: the line that Bitcoin's rpcauth.py would make.
rpcauth() { echo "rpcauth=$1:$2\$$(openssl dgst -sha256 -hmac "$2" | sed 's/.* //')"; }

# The pair published with Bitcoin Core's own tests (test/functional/rpc_users.py): an openssl that hashes otherwise
# would make a node that nobody can log in to.
check_rpcauth() {
  local made
  made=$(printf '%s' 'cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=' | rpcauth rt 93648e835a54c573682c2eb19f882535)
  [ "$made" = "rpcauth=rt:93648e835a54c573682c2eb19f882535\$7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144" ]
}

configuration() {
  check_rpcauth
  local dbcache=$((memory_mib / 4))
  [ "$dbcache" -ge 450 ] || dbcache=450
  [ "$dbcache" -le 4096 ] || dbcache=4096

  mkdir -p "$bitcoin" "$lnd" "$lnbits"
  {
    cat "$opt/bitcoin.conf"
    echo "prune=$TIMMY_PRUNE_MIB"
    echo "dbcache=$dbcache"
    rpcauth owner "$(openssl rand -hex 16)" <"$secrets/rpc-owner"
    rpcauth lnd "$(openssl rand -hex 16)" <"$secrets/rpc-lnd"
  } | keep "$bitcoin/bitcoin.conf"
  {
    cat "$opt/lnd.conf"
    echo "bitcoind.rpcpass=$(cat "$secrets/rpc-lnd")"
  } | keep "$lnd/lnd.conf"
  {
    cat "$opt/lnbits.env"
    echo "FIRST_INSTALL_TOKEN=$(cat "$secrets/lnbits-first-install")"
    echo "AUTH_SECRET_KEY=$(cat "$secrets/lnbits-auth")"
  } | keep "$kept/lnbits.env"
  # Its folder is closed to others; the agent, which is root, writes it anew when its owner says rotate.
  chmod 644 "$bitcoin/bitcoin.conf"
  chown "$bitcoin_user:$bitcoin_user" "$bitcoin"
  chown "$lnd_user:$lnd_user" "$lnd" "$lnd/lnd.conf"
  chown "$lnbits_user:$lnbits_user" "$lnbits"
}

pull_bitcoin() { tries 8 30 compose pull --quiet bitcoin; }

up() { compose up --detach --wait --wait-timeout 900 bitcoin; }

# Wished by the operator; a node without it is a node all the same, so it never holds the others up.
tailscale_join() {
  [ "$TIMMY_TAILSCALE" = 1 ] || return 0
  if tailscale_install && tailscale_up; then say "in the tailnet"; else say "goes on without Tailscale"; fi
  if [ -e "$root/run/timmy-tailscale.key" ]; then shred -u "$root/run/timmy-tailscale.key"; fi
}

tailscale_install() {
  command -v tailscale >/dev/null && return 0
  local ring=$root/usr/share/keyrings/tailscale.gpg place=https://pkgs.tailscale.com/stable/debian
  mkdir -p "$root/usr/share/keyrings" "$root/etc/apt/sources.list.d" || return 1
  tries 3 10 curl -fsS --max-time 60 -o "$ring.new" "$place/trixie.noarmor.gpg" || return 1
  # Tailscale's key for packages: no other may sign what we install.
  gpg --show-keys --with-colons "$ring.new" | grep -q '^fpr:*2596A99EAAB33821893C0A79458CA832957F5868:' || return 1
  chmod 644 "$ring.new" && mv "$ring.new" "$ring" || return 1
  echo "deb [signed-by=$ring] $place trixie main" >"$root/etc/apt/sources.list.d/tailscale.list" || return 1
  chmod 644 "$root/etc/apt/sources.list.d/tailscale.list" || return 1
  apt-get -o DPkg::Lock::Timeout=600 update && apt-get -o DPkg::Lock::Timeout=600 install --yes tailscale
}

tailscale_up() {
  tailscale status >/dev/null 2>&1 && return 0
  timeout 120 tailscale up "--auth-key=file:$root/run/timmy-tailscale.key" --hostname="$TIMMY_HOSTNAME" --ssh=false
}

tailscale_name() {
  tailscale status --json --peers=false 2>/dev/null | sed -n 's/.*"DNSName": *"\([a-z0-9.-]*[a-z0-9]\)\.\{0,1\}".*/\1/p' | grep .
}

# The first half is kept under another name until its step is marked; the second only renames it. So the agent, which
# destroys the file once it is delivered, is never handed the same again.
credentials() {
  local ip tailnet='null' name
  ip=$(curl -fsS --max-time 10 http://169.254.169.254/metadata/v1/interfaces/public/0/ipv4/address 2>/dev/null || true)
  [[ $ip =~ ^[0-9.]{7,15}$ ]] || ip=YOUR-NODE
  if [ "$TIMMY_TAILSCALE" = 1 ] && name=$(tailscale_name); then tailnet="{\"name\": \"$name\"}"; fi
  # Every value is hex, digits and dots, or a host name: nothing needs quoting.
  keep "$kept/credentials.json.made" <<JSON
{
  "v": 1,
  "bitcoin_rpc": {"url": "http://127.0.0.1:8332", "user": "owner", "password": "$(cat "$secrets/rpc-owner")"},
  "lnbits": {
    "url": "http://127.0.0.1:5000",
    "admin_url": "http://127.0.0.1:5000/first_install",
    "first_install_token": "$(cat "$secrets/lnbits-first-install")",
    "reach_by": "ssh -L 5000:127.0.0.1:5000 root@$ip"
  },
  "lnd": {"rest_url": "https://127.0.0.1:8080", "note": "LND and LNbits start when you run lnd-init on the node. The 24 words are shown to your terminal alone."},
  "ssh": {"user": "root", "host_keys": []},
  "tailscale": $tailnet,
  "next_steps": [
    "Log in: ssh root@$ip, and compare the host key with the ones in this message.",
    "Watch the sync: timmy-status. It takes days; I write to you on the way.",
    "Synced: run lnd-init on the node. It makes your Lightning wallet, shows you its 24 words, and starts LNbits.",
    "Open LNbits: ssh -L 5000:127.0.0.1:5000 root@$ip, then http://127.0.0.1:5000/first_install in your browser, with the first install token.",
    "To have the wallet emptied to an address of yours: edit /etc/timmy/sweep.json, then try timmy-sweep.",
    "All of this again, on the node: timmy-creds."
  ]
}
JSON
}

hand_over() { if [ -e "$kept/credentials.json.made" ]; then mv "$kept/credentials.json.made" "$kept/credentials.json"; fi; }

# So that lnd-init has nothing to wait for.
pull_lightning() { tries 8 30 compose pull --quiet lnd lnbits; }

# --- In order ----------------------------------------------------------------------------------------------------------

# run STEP FUNCTION: unless its mark is there. The mark is set when what the step wrote is on the disk.
run() {
  [ ! -e "$kept/steps/$1.done" ] || return 0
  say "$1"
  "$2"
  sync
  : >"$kept/steps/$1.done"
  sync "$kept/steps"
}

mkdir -p "$kept/steps"
chmod 700 "$kept" "$kept/steps"
exec 9>"$kept/setup.lock"
flock 9
# shellcheck source=/dev/null
. "$opt/.env"
memory_mib=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))

run 10-packages packages
run 15-metadata metadata
run 20-services services
run 22-agent agent
run 25-swap swap
run 30-firewall firewall
run 35-host host
run 40-volume volume
run 45-docker docker_limits
run 50-secrets make_secrets
run 55-configuration configuration
run 60-pull pull_bitcoin
run 65-up up
run 70-tailscale tailscale_join
run 75-credentials credentials
run 80-hand-over hand_over
run 85-pull-lightning pull_lightning
say "done"
