# Every lab image, built by one command: dockyard images build
# The bases and the hashes of the inputs are handed over in the environment.

variable "BASE_BUSYBOX" {
  default = "busybox:stable-musl"
}
variable "BASE_DEBIAN" {
  default = "debian:trixie-slim"
}
variable "INPUTS_BUSYBOX" {
  default = ""
}
variable "INPUTS_DEBIAN" {
  default = ""
}
variable "INPUTS_VM" {
  default = ""
}

group "default" {
  targets = ["busybox", "debian", "vm"]
}

target "busybox" {
  context = "images/busybox"
  args    = { BASE = BASE_BUSYBOX }
  tags    = ["dockyard/busybox:latest"]
  labels = {
    "dev.dockyard.image"                   = "busybox"
    "dev.dockyard.inputs"                  = INPUTS_BUSYBOX
    "org.opencontainers.image.title"       = "dockyard/busybox"
    "org.opencontainers.image.description" = "A whole userland in one static program, for small and quick containers"
  }
}

target "debian" {
  context = "images/debian"
  args    = { BASE = BASE_DEBIAN }
  tags    = ["dockyard/debian:latest"]
  labels = {
    "dev.dockyard.image"                   = "debian"
    "dev.dockyard.inputs"                  = INPUTS_DEBIAN
    "org.opencontainers.image.title"       = "dockyard/debian"
    "org.opencontainers.image.description" = "A slim distribution with apt, to build other images on"
  }
}

target "vm" {
  context = "images/vm"
  contexts = {
    busybox = "target:busybox"
    debian  = "target:debian"
  }
  tags = ["dockyard/vm:latest"]
  labels = {
    "dev.dockyard.image"                   = "vm"
    "dev.dockyard.inputs"                  = INPUTS_VM
    "org.opencontainers.image.title"       = "dockyard/vm"
    "org.opencontainers.image.description" = "QEMU, a kernel and an initramfs: boots a real guest and prints its uname"
  }
}
