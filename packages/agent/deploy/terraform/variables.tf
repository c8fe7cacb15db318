variable "cluster" {
  description = "The name of the cluster, and the value of the tag failtome of all its parts."
  type        = string
  default     = "haproxy"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.cluster))
    error_message = "Small letters, digits and hyphens, and a letter first."
  }
}

variable "vpc_id" {
  description = "The network of all nodes."
  type        = string
}

variable "node_subnets" {
  description = "The nodes and the public subnet of each, best in different availability zones. More than two are possible."
  type        = map(string)

  validation {
    condition     = length(var.node_subnets) >= 2
    error_message = "A cluster has two nodes or more that may take the address."
  }
}

variable "witness_subnet" {
  description = "Where a third voter is, best in a third availability zone and with a way out of its own. Null: there is none."
  type        = string
  default     = null
}

variable "arbiter" {
  description = "Whether a table of DynamoDB is the third voter, instead of a third node. Nodes that run already don't know of it: write it into their files, as install.md says, before one is replaced."
  type        = bool
  default     = false
}

variable "make_instances" {
  description = "Whether the module makes the instances. If not, give instances of your own the outputs instance_profile, security_groups, user_data and tags."
  type        = bool
  default     = true
}

variable "image_id" {
  description = "An image of Debian 12 or 13, Ubuntu 22.04 or 24.04 or Amazon Linux 2023, for the processor of the package. A new one counts for nodes made later."
  type        = string
  default     = null
}

variable "instance_type" {
  description = "Of the nodes."
  type        = string
  default     = "t3.small"
}

variable "witness_instance_type" {
  description = "Of the third voter."
  type        = string
  default     = "t3.nano"
}

variable "key_name" {
  description = "The name of an EC2 key pair for SSH. Null: none."
  type        = string
  default     = null
}

variable "package_url" {
  description = "Where the nodes fetch the .deb or .rpm package of failtome."
  type        = string

  validation {
    condition     = can(regex("^https?://[^'\\s]+$", var.package_url))
    error_message = "An address that begins with https:// or http://."
  }
}

variable "package_sha256" {
  description = "Its SHA-256. Another file is not installed."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.package_sha256))
    error_message = "64 hexadecimal digits in small letters, as sha256sum prints them."
  }
}

variable "allocation_id" {
  description = "The allocation id of an Elastic IP that you have, as clients mostly know one. Null: the module makes one, and terraform destroy releases it."
  type        = string
  default     = null
}

variable "client_cidrs" {
  description = "Who reaches port 80 of the nodes. If not everybody, add the public addresses that the nodes go out by: a probe goes the way a client goes. The Elastic IP itself is always admitted."
  type        = set(string)
  default     = ["0.0.0.0/0"]
}

variable "extra_security_groups" {
  description = "More security groups of all nodes, such as one that admits SSH, or that the applications admit."
  type        = set(string)
  default     = []
}

variable "topic_arn" {
  description = "An SNS topic that you have. Null: the module makes one."
  type        = string
  default     = null
}

variable "emails" {
  description = "Who is told of failovers and alarms by a topic that the module makes; each has to confirm the subscription."
  type        = set(string)
  default     = []
}

variable "before" {
  description = "Lines of a shell script that run first on each new node, such as those that write /etc/haproxy/haproxy.cfg."
  type        = string
  default     = ""
}
