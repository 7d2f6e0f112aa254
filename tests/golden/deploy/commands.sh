vipforge seed cluster.yml --for libvirt
virsh --connect qemu+ssh://root@kvm1/system vol-create-as default vipforge-0123456789ab.qcow2 4294967296 --format qcow2
virsh --connect qemu+ssh://root@kvm1/system vol-upload --pool default vipforge-0123456789ab.qcow2 build/quickstart/appliance.qcow2
virsh --connect qemu+ssh://root@kvm2/system vol-create-as default vipforge-0123456789ab.qcow2 4294967296 --format qcow2
virsh --connect qemu+ssh://root@kvm2/system vol-upload --pool default vipforge-0123456789ab.qcow2 build/quickstart/appliance.qcow2
virsh --connect qemu+ssh://root@kvm1/system vol-create-as default quickstart-lb1-0123456789ab-DISK.qcow2 4294967296 --format qcow2 --backing-vol vipforge-0123456789ab.qcow2 --backing-vol-format qcow2
virsh --connect qemu+ssh://root@kvm1/system vol-create-as default quickstart-lb1-SEED.iso 79872 --format raw
virsh --connect qemu+ssh://root@kvm1/system vol-upload --pool default quickstart-lb1-SEED.iso build/quickstart/seeds/lb1.example.com.iso
virt-install --connect qemu+ssh://root@kvm1/system --name quickstart-lb1 --virt-type kvm --machine pc --memory 1024 --vcpus 2 --osinfo detect=on,require=off --import --disk vol=default/quickstart-lb1-0123456789ab-DISK.qcow2,bus=virtio --disk vol=default/quickstart-lb1-SEED.iso,device=cdrom,bus=ide --network bridge=br0,model=virtio,mac=52:54:00:2e:77:3a --rng /dev/urandom --graphics none --noautoconsole --autostart
virsh --connect qemu+ssh://root@kvm2/system vol-create-as default quickstart-lb2-0123456789ab-DISK.qcow2 4294967296 --format qcow2 --backing-vol vipforge-0123456789ab.qcow2 --backing-vol-format qcow2
virsh --connect qemu+ssh://root@kvm2/system vol-create-as default quickstart-lb2-SEED.iso 79872 --format raw
virsh --connect qemu+ssh://root@kvm2/system vol-upload --pool default quickstart-lb2-SEED.iso build/quickstart/seeds/lb2.example.com.iso
virt-install --connect qemu+ssh://root@kvm2/system --name quickstart-lb2 --virt-type kvm --machine pc --memory 1024 --vcpus 2 --osinfo detect=on,require=off --import --disk vol=default/quickstart-lb2-0123456789ab-DISK.qcow2,bus=virtio --disk vol=default/quickstart-lb2-SEED.iso,device=cdrom,bus=ide --network bridge=br0,model=virtio,mac=52:54:00:7f:69:af --rng /dev/urandom --graphics none --noautoconsole --autostart
