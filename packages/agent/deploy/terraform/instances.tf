resource "aws_instance" "node" {
  for_each               = var.make_instances ? var.node_subnets : {}
  ami                    = var.image_id
  instance_type          = var.instance_type
  key_name               = var.key_name
  subnet_id              = each.value
  vpc_security_group_ids = setunion([aws_security_group.peers.id, aws_security_group.service.id], var.extra_security_groups)
  iam_instance_profile   = aws_iam_instance_profile.node.name
  # A standby needs a public address of its own: it is how it proves that it reaches the world.
  associate_public_ip_address = true
  user_data                   = local.user_data
  tags                        = merge(local.tags, { Name = each.key })

  metadata_options {
    http_tokens = "required"
  }

  lifecycle {
    # A newer image or package must not restart or replace both nodes at once: terraform apply -replace does it, one at a time.
    # The holder's public address is the shared one.
    ignore_changes = [ami, user_data, associate_public_ip_address]
  }

  depends_on = [
    aws_iam_role_policy.node,
    aws_secretsmanager_secret_version.key,
    aws_vpc_security_group_egress_rule.all,
    aws_vpc_security_group_ingress_rule.peers,
  ]
}

resource "aws_instance" "witness" {
  count                       = var.make_instances && var.witness_subnet != null ? 1 : 0
  ami                         = var.image_id
  instance_type               = var.witness_instance_type
  key_name                    = var.key_name
  subnet_id                   = var.witness_subnet
  vpc_security_group_ids      = setunion([aws_security_group.peers.id], var.extra_security_groups)
  iam_instance_profile        = aws_iam_instance_profile.witness[0].name
  associate_public_ip_address = true
  user_data                   = local.user_data
  tags                        = merge(local.tags, { Name = "${var.cluster}-witness", "failtome:role" = "witness" })

  metadata_options {
    http_tokens = "required"
  }

  lifecycle {
    ignore_changes = [ami, user_data]
  }

  depends_on = [
    aws_iam_role_policy.witness,
    aws_secretsmanager_secret_version.key,
    aws_vpc_security_group_egress_rule.all,
    aws_vpc_security_group_ingress_rule.peers,
  ]
}

# A node that is gone, or that AWS can't reach, is no standby. The agents' own metrics are Prometheus's, not CloudWatch's.
resource "aws_cloudwatch_metric_alarm" "status" {
  for_each = merge(
    { for name, node in aws_instance.node : name => node.id },
    { for witness in aws_instance.witness : "${var.cluster}-witness" => witness.id },
  )
  alarm_name          = "failtome-${var.cluster}-${each.key}"
  alarm_description   = "${each.key} of the failtome cluster ${var.cluster} fails EC2's status checks, or is stopped"
  namespace           = "AWS/EC2"
  metric_name         = "StatusCheckFailed"
  dimensions          = { InstanceId = each.value }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
  tags                = local.tags
}
