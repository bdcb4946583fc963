#!/bin/sh
# Turns a Debian with kind's files in it into a node. Follows images/base/Dockerfile of the kind module.
set -eu
version=$1

chmod 755 /kind /kind/bin /kind/bin/* /usr/local/bin/*
ln -s kubelet /usr/bin/kubeadm
ln -s kubelet /usr/bin/kubectl
printf %s "$version" > /kind/version

# Debian's programs where kind's files look for them.
mkdir -p /opt/cni /usr/local/sbin /etc/cni/net.d /etc/kubernetes/manifests
ln -s /usr/lib/cni /opt/cni/bin
for name in containerd containerd-shim-runc-v2 ctr; do ln -s "/usr/bin/$name" "/usr/local/bin/$name"; done

# Units: only those that a node needs.
find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete
rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \
      /lib/systemd/system/local-fs.target.wants/* /lib/systemd/system/sockets.target.wants/*udev* \
      /lib/systemd/system/sockets.target.wants/*initctl* /lib/systemd/system/basic.target.wants/*
mkdir -p /etc/systemd/system/multi-user.target.wants
for unit in containerd kubelet undo-mount-hacks; do
    ln -s "/etc/systemd/system/$unit.service" /etc/systemd/system/multi-user.target.wants/
done
ln -s /dev/null /etc/systemd/system/systemd-binfmt.service
echo "ReadKMsg=no" >> /etc/systemd/journald.conf
[ -e /sbin/init ] || ln -s /usr/lib/systemd/systemd /sbin/init

# Where the machine lacks CAP_SYS_RESOURCE, runc may not lower a pod's OOM score and dies of it.
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml
ctr oci spec \
  | jq '.hooks.createContainer |= . + [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
  > /etc/containerd/cri-base.json

# Kubernetes' own images, imported but not unpacked: an overlay cannot be unpacked onto an overlay.
containerd > /var/log/containerd.log 2>&1 &
containerd=$!
tries=0
until ctr version > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat /var/log/containerd.log; exit 1; }
    sleep 0.1
done
ctr --namespace=k8s.io images import --label=io.cri-containerd.pinned=pinned --no-unpack --digests /kind/images.tar
kill "$containerd"
wait "$containerd" || true
rm -rf /run/containerd /var/log/containerd.log
