#!/usr/bin/env bash
# A bastion as a virtual machine of its own: Debian with systemd, Podman 5, firewalld and SELinux, for what namespaces cannot show
# (test/journeys/28-systemd.test.ts has the rest). Needs root, Debian's mmdebstrap, e2fsprogs, qemu-system-x86 and openssh-client; about 1 GiB.
#
#   scripts/bastion-vm.sh make DIR [FILE...]   disk of Debian trixie; files go to /root (the packaged tool, a bundle, a site file)
#   scripts/bastion-vm.sh start DIR [permissive|enforcing]
#   scripts/bastion-vm.sh run DIR COMMAND      as root, over ssh
#   scripts/bastion-vm.sh stop DIR
#
# The machine has 192.0.2.1 and 2001:db8:10::1. Without KVM (ACCEL=tcg, the default) it boots in one to three minutes, and a command of the tool takes
# ten times as long as usual. Debian's policy denies what Node needs: setsebool -P allow_execmem on, before the tool is run in enforcing mode.
set -euo pipefail

action=${1:?make, start, run or stop}
dir=$(realpath -m "${2:?the folder of the machine}")
shift 2
port=${PORT:-2222}

make_disk() {
  mkdir -p "$dir"
  local root=$dir/root
  local packages=systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,systemd-resolved,linux-image-amd64
  packages+=,selinux-basics,selinux-policy-default,auditd,policycoreutils,policycoreutils-python-utils
  packages+=,podman,crun,uidmap,passt,netavark,aardvark-dns,firewalld,nftables,skopeo
  packages+=,openssh-server,ca-certificates,curl,iproute2,procps,bind9-dnsutils
  mmdebstrap --variant=important --include="$packages" trixie "$root"
  [ -f "$dir/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
  install -D -m 600 "$dir/key.pub" "$root/root/.ssh/authorized_keys"
  echo bastion >"$root/etc/hostname"
  printf '127.0.0.1 localhost bastion\n::1 localhost\n' >"$root/etc/hosts"
  echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
  printf '[Match]\nName=en*\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nAddress=192.0.2.1/24\nAddress=2001:db8:10::1/64\n' \
    >"$root/etc/systemd/network/10-bastion.network"
  systemctl --quiet --root="$root" enable systemd-networkd systemd-resolved ssh podman.socket firewalld auditd
  sed -i 's/^SELINUX=.*/SELINUX=permissive/' "$root/etc/selinux/config"
  for file in "$@"; do cp -a "$file" "$root/root/"; done
  # Labels are set from outside, so that the first boot need not do it.
  chroot "$root" /sbin/setfiles -F /etc/selinux/default/contexts/files/file_contexts /
  rm -f "$dir/disk.img"
  truncate -s 12G "$dir/disk.img"
  # A file system out of a folder, with its extended attributes: no loop device is needed.
  mkfs.ext4 -q -d "$root" "$dir/disk.img"
  cp "$root"/boot/vmlinuz-* "$dir/vmlinuz"
  cp "$root"/boot/initrd.img-* "$dir/initrd"
}

start() {
  local enforcing=0
  [ "${1:-permissive}" = enforcing ] && enforcing=1
  setsid qemu-system-x86_64 -accel "${ACCEL:-tcg,thread=multi}" -cpu "${CPU:-Nehalem}" -smp 2 -m 3072 \
    -display none -monitor none -serial "file:$dir/serial.log" \
    -kernel "$dir/vmlinuz" -initrd "$dir/initrd" \
    -append "root=/dev/vda rw console=ttyS0 security=selinux selinux=1 enforcing=$enforcing" \
    -drive "file=$dir/disk.img,format=raw,if=virtio" -device virtio-rng-pci \
    -netdev "user,id=n0,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=n0 </dev/null >"$dir/qemu.log" 2>&1 &
  echo $! >"$dir/pid"
  for _ in $(seq 60); do
    sleep 5
    if run true 2>/dev/null; then return; fi
    kill -0 "$(cat "$dir/pid")" || { cat "$dir/qemu.log" >&2; exit 1; }
  done
  echo "the machine does not answer; its console is $dir/serial.log" >&2
  exit 1
}

run() {
  ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=20 -i "$dir/key" -p "$port" root@127.0.0.1 "$@"
}

case $action in
  make) make_disk "$@" ;;
  start) start "$@" ;;
  run) run "$@" ;;
  stop)
    run poweroff || true
    for _ in $(seq 60); do
      kill -0 "$(cat "$dir/pid")" 2>/dev/null || exit 0
      sleep 1
    done
    kill "$(cat "$dir/pid")"
    ;;
  *) echo "unknown: $action" >&2; exit 2 ;;
esac
