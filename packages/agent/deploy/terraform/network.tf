# What the agents say to each other.
resource "aws_security_group" "peers" {
  name_prefix = "failtome-${var.cluster}-peers-"
  description = "The agents of the failtome cluster ${var.cluster}"
  vpc_id      = var.vpc_id
  tags        = local.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "peers" {
  description                  = "the agents of the other nodes"
  security_group_id            = aws_security_group.peers.id
  referenced_security_group_id = aws_security_group.peers.id
  ip_protocol                  = "tcp"
  from_port                    = 8741
  to_port                      = 8741
}

# Out: to the endpoints of AWS, the shared address, the external-IP service, the package, and HAProxy's applications.
resource "aws_vpc_security_group_egress_rule" "all" {
  description       = "everywhere"
  security_group_id = aws_security_group.peers.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

# What clients and probes ask HAProxy.
resource "aws_security_group" "service" {
  name_prefix = "failtome-${var.cluster}-service-"
  description = "HAProxy of the failtome cluster ${var.cluster}"
  vpc_id      = var.vpc_id
  tags        = local.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each          = var.client_cidrs
  description       = "clients, and the probes of all nodes"
  security_group_id = aws_security_group.service.id
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_ingress_rule" "shared_address" {
  description       = "the probe of the node that holds the address"
  security_group_id = aws_security_group.service.id
  cidr_ipv4         = "${local.public_ip}/32"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}
