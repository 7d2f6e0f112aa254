# Both nodes on one libvirt host, from a baked image and its seeds (docs/kvm.md, "With Terraform"):
#
#   vipforge image cluster.yml
#   vipforge seed cluster.yml && vipforge seed cluster.yml --transport folder
#   terraform init && terraform apply -var build=$PWD/build/quickstart
#
# The state holds paths and digests, no seed: what is secret stays in the seeds' CDs.

terraform {
  required_version = ">= 1.5"
  required_providers {
    libvirt = {
      source  = "dmacvicar/libvirt"
      version = "~> 0.9.7"
    }
  }
}

provider "libvirt" {
  uri = var.uri
}

variable "uri" {
  description = "The host; for another one qemu+ssh://root@kvm1/system"
  type        = string
  default     = "qemu:///system"
}

variable "build" {
  description = "Folder of the cluster: image, manifest and seeds"
  type        = string
}

variable "nodes" {
  description = "A domain's name to the node's name in the spec"
  type        = map(string)
  default = {
    quickstart-lb1 = "lb1.example.com"
    quickstart-lb2 = "lb2.example.com"
  }
}

variable "pool" {
  description = "Storage pool"
  type        = string
  default     = "default"
}

variable "bridge" {
  description = "The host's bridge in the nodes' subnet"
  type        = string
  default     = "br0"
}

locals {
  manifest = jsondecode(file("${var.build}/manifest.json"))
  label    = substr(local.manifest.sha256, 0, 12)
  # A seed's instance-id changes with anything in it.
  seeds = {
    for domain, node in var.nodes :
    domain => regex("instance-id: *(\\S+)", file("${var.build}/seeds/${node}/meta-data"))[0]
  }
}

resource "libvirt_volume" "image" {
  name   = "vipforge-${local.label}.qcow2"
  pool   = var.pool
  target = { format = { type = "qcow2" } }
  create = { content = { url = "${var.build}/appliance.qcow2" } }
}

# A node's disk holds only what differs from the image. Another image or seed makes another node.
resource "libvirt_volume" "disk" {
  for_each = var.nodes
  name     = "${each.key}-${local.label}-${local.seeds[each.key]}.qcow2"
  pool     = var.pool
  capacity = local.manifest.virtual_size
  target   = { format = { type = "qcow2" } }
  backing_store = {
    path   = libvirt_volume.image.path
    format = { type = "qcow2" }
  }
}

resource "libvirt_volume" "seed" {
  for_each = var.nodes
  name     = "${local.seeds[each.key]}.iso"
  pool     = var.pool
  target = {
    format      = { type = "raw" }
    permissions = { mode = "0600" }
  }
  create = { content = { url = "${var.build}/seeds/${each.value}.iso" } }
}

resource "libvirt_domain" "node" {
  for_each    = var.nodes
  name        = each.key
  type        = "kvm"
  memory      = 1024
  memory_unit = "MiB"
  vcpu        = 2
  autostart   = true
  running     = true

  os = {
    type         = "hvm"
    type_arch    = "x86_64"
    type_machine = "pc"
  }

  features = { acpi = true }
  cpu      = { mode = "host-model" }

  devices = {
    disks = [
      {
        source = { volume = { pool = var.pool, volume = libvirt_volume.disk[each.key].name } }
        driver = { name = "qemu", type = "qcow2" }
        target = { dev = "vda", bus = "virtio" }
      },
      {
        # IDE: Debian's cloud kernel has no driver for SATA.
        device    = "cdrom"
        read_only = true
        source    = { volume = { pool = var.pool, volume = libvirt_volume.seed[each.key].name } }
        driver    = { name = "qemu", type = "raw" }
        target    = { dev = "hda", bus = "ide" }
      },
    ]
    interfaces = [
      {
        source = { bridge = { bridge = var.bridge } }
        model  = { type = "virtio" }
      },
    ]
    rngs = [
      {
        model   = "virtio"
        backend = { random = "/dev/urandom" }
      },
    ]
    # Without a source, libvirt gives it a pseudo-terminal. The provider wants a path for one, which libvirt chooses itself.
    serials = [{ target = { port = 0 } }]
  }
}
