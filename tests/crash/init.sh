#!/bin/busybox sh
# The first process of the guest: a disk, loopback, a sink, the gateway and its clients. It never ends: the machine
# loses its power. Words from the kernel's command line: `seed`, `wrong` (a library that withholds flushes).
PATH=/bin
# It finds itself by /proc.
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod "$module"; done
# The disk and the two ports appear a moment after their modules.
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e /dev/vda ] && [ -e /dev/vport0p2 ] && break; sleep 0.1; done
mkdir -p /data /run /tmp
mount -t ext4 /dev/vda /data || { echo "the disk does not mount"; poweroff -f; }
mount -t tmpfs run /run
ifconfig lo 127.0.0.1 up
for word in $(cat /proc/cmdline); do
    case $word in
    seed=*) seed=${word#seed=} ;;
    wrong=*) wrong=${word#wrong=} ;;
    esac
done
ulimit -n 4096
# What it took goes out by the second port, a line before each 250.
mailreeve lab sink --listen 127.0.0.1:2526 --journal /dev/vport0p2 >/run/sink 2>&1 &
{
    WITHHELD=$wrong LD_PRELOAD=${wrong:+/lib/withheld.so} mailreeve --config /gateway.toml serve
    echo "the gateway ended by itself"
    poweroff -f
} &
# One client for each way that content is kept: in a row, in a segment, in a file of its own. All go on when the
# gateway is not there yet, and each writes what was acknowledged to the first port.
send() {
    mailreeve lab send 127.0.0.1:2525 --endless --deadline 3600 --reconnect 600 --persist --patience 60 \
        --journal /dev/vport0p1 --from guest.test --to taken.test waits.test "$@" >/run/send 2>&1 &
}
send --sessions 8 --size 4096 --seed "${seed}1"
send --sessions 2 --size 65536 --seed "${seed}2"
send --sessions 1 --size 1500000 --seed "${seed}3"
while :; do sleep 3600; done
