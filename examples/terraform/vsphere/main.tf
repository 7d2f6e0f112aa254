# Both nodes in a vCenter, from a baked image and their seeds as guestinfo (docs/vsphere.md, "With Terraform"):
#
#   vipforge image cluster.yml
#   vipforge export build/quickstart/appliance.qcow2 --to ova
#   vipforge seed cluster.yml --transport guestinfo
#   terraform init && terraform apply -var build=$PWD/build/quickstart -var server=vcenter.example.com …
#
# Login: VSPHERE_USER and VSPHERE_PASSWORD in the environment. The state holds the seeds: that is why guestinfo takes
# none with a certificate's key or a password; such a cluster is deployed by `vipforge deploy vsphere`, on a CD.

terraform {
  required_version = ">= 1.5"
  required_providers {
    vsphere = {
      source  = "vmware/vsphere"
      version = "~> 2.12"
    }
  }
}

provider "vsphere" {
  vsphere_server = var.server
}

variable "server" {
  description = "vCenter's host name"
  type        = string
}

variable "build" {
  description = "Folder of the cluster: OVA, manifest and seeds"
  type        = string
}

variable "cluster" {
  description = "The cluster's name in the spec"
  type        = string
  default     = "quickstart"
}

variable "nodes" {
  description = "A machine's name to the node's name in the spec"
  type        = map(string)
  default = {
    quickstart-lb1 = "lb1.example.com"
    quickstart-lb2 = "lb2.example.com"
  }
}

variable "datacenter" {
  description = "Data centre"
  type        = string
}

variable "hosts" {
  description = "vCenter's cluster of hosts, two at least"
  type        = string
}

variable "datastore" {
  description = "Datastore of the machines and of the content library"
  type        = string
}

variable "network" {
  description = "The nodes' port group"
  type        = string
}

locals {
  manifest = jsondecode(file("${var.build}/manifest.json"))
  label    = substr(local.manifest.sha256, 0, 12)
}

data "vsphere_datacenter" "here" {
  name = var.datacenter
}

data "vsphere_compute_cluster" "hosts" {
  name          = var.hosts
  datacenter_id = data.vsphere_datacenter.here.id
}

data "vsphere_datastore" "disks" {
  name          = var.datastore
  datacenter_id = data.vsphere_datacenter.here.id
}

data "vsphere_network" "nodes" {
  name          = var.network
  datacenter_id = data.vsphere_datacenter.here.id
}

resource "vsphere_content_library" "images" {
  name            = "vipforge-${var.cluster}"
  description     = "Images of ${var.cluster}, by vipforge"
  storage_backing = [data.vsphere_datastore.disks.id]
}

# Uploaded once, whatever the number of nodes; another image is another item.
resource "vsphere_content_library_item" "image" {
  name       = "vipforge-image-${local.label}"
  library_id = vsphere_content_library.images.id
  type       = "ova"
  file_url   = "${var.build}/appliance.ova"
}

# Another image makes other machines, all at once: on a pair that serves, `vipforge upgrade vsphere` goes node by node.
resource "vsphere_virtual_machine" "node" {
  for_each         = var.nodes
  name             = each.key
  annotation       = "A load balancer of ${var.cluster}, by vipforge"
  resource_pool_id = data.vsphere_compute_cluster.hosts.resource_pool_id
  datastore_id     = data.vsphere_datastore.disks.id
  guest_id         = local.manifest.guest == "centos7" ? "centos7_64Guest" : "debian10_64Guest"
  num_cpus         = 2
  memory           = 1024
  scsi_type        = "pvscsi"

  network_interface {
    network_id   = data.vsphere_network.nodes.id
    adapter_type = "vmxnet3"
  }

  disk {
    label            = "disk0"
    size             = ceil(local.manifest.virtual_size / pow(2, 30))
    thin_provisioned = true
  }

  clone {
    template_uuid = vsphere_content_library_item.image.id
  }

  # guestinfo.metadata, guestinfo.userdata, and how each is packed.
  extra_config = jsondecode(file("${var.build}/seeds/${each.value}.guestinfo.json"))
}

resource "vsphere_compute_cluster_vm_anti_affinity_rule" "apart" {
  name                = "vipforge-${var.cluster}"
  compute_cluster_id  = data.vsphere_compute_cluster.hosts.id
  virtual_machine_ids = [for machine in vsphere_virtual_machine.node : machine.id]
}
