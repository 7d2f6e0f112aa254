// What a person writes from the article: one base image, everything in shell provisioners inside the machine.
// benchmarks/bake.py fills the variables.

variable "base" {
  type        = string
  description = "A bootable disk with cloud-init."
}

variable "source" {
  type        = string
  description = "The tarball of keepalived, which the article fetches with wget."
}

variable "key" {
  type = string
}

variable "seed" {
  type        = list(string)
  description = "user-data and meta-data that let the key in as root."
}

variable "accelerator" {
  type = string
}

variable "output" {
  type = string
}

source "qemu" "by_hand" {
  iso_url              = var.base
  iso_checksum         = "none"
  disk_image           = true
  disk_interface       = "virtio"
  disk_discard         = "unmap"
  net_device           = "virtio-net"
  disk_size            = "8192M"
  format               = "qcow2"
  accelerator          = var.accelerator
  cpus                 = 2
  memory               = 1024
  headless             = true
  qemuargs             = [["-cpu", "max"]]
  cd_files             = var.seed
  cd_label             = "cidata"
  boot_wait            = "10s"
  ssh_username         = "root"
  ssh_private_key_file = var.key
  ssh_timeout          = "30m"
  shutdown_command     = "systemctl poweroff"
  output_directory     = var.output
  vm_name              = "appliance.qcow2"
}

build {
  sources = ["source.qemu.by_hand"]

  provisioner "file" {
    source      = var.source
    destination = "/root/keepalived.tar.gz"
  }

  provisioner "shell" {
    inline = ["cloud-init status --wait >/dev/null"]
  }

  provisioner "shell" {
    script = "../steps/packages.sh"
  }

  provisioner "shell" {
    script = "../steps/keepalived.sh"
  }

  provisioner "shell" {
    script = "../steps/services.sh"
  }

  provisioner "shell" {
    script = "../steps/clean.sh"
  }
}
