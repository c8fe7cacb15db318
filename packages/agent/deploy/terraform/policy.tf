# Generated: what failtome iam prints, with the module's own names.
data "aws_iam_policy_document" "node" {
  statement {
    sid       = "ReadAddressesAndInstances"
    effect    = "Allow"
    actions   = ["ec2:DescribeAddresses", "ec2:DescribeInstances"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = ["${data.aws_region.current.region}"]
    }
  }

  statement {
    sid       = "MoveTheseAddresses"
    effect    = "Allow"
    actions   = ["ec2:AssociateAddress", "ec2:DisassociateAddress"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:elastic-ip/${local.allocation_id}"]
  }

  statement {
    sid       = "ToTheNodes"
    effect    = "Allow"
    actions   = ["ec2:AssociateAddress"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:instance/*"]

    condition {
      test     = "ArnEquals"
      variable = "ec2:InstanceProfile"
      values   = ["${aws_iam_instance_profile.node.arn}"]
    }
  }

  statement {
    sid       = "OnInterfacesInTheseSubnets"
    effect    = "Allow"
    actions   = ["ec2:AssociateAddress", "ec2:DisassociateAddress"]
    resources = ["arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:network-interface/*"]

    condition {
      test     = "ArnEquals"
      variable = "ec2:Subnet"
      values   = [for subnet_id in local.subnet_ids : "arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:subnet/${subnet_id}"]
    }
  }

  statement {
    sid       = "TellPeople"
    effect    = "Allow"
    actions   = ["sns:Publish", "sns:GetTopicAttributes"]
    resources = ["${local.topic_arn}"]
  }

  statement {
    sid       = "ReadTheKey"
    effect    = "Allow"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${aws_secretsmanager_secret.key.arn}"]
  }
}

data "aws_iam_policy_document" "arbiter" {
  count = var.arbiter ? 1 : 0

  statement {
    sid       = "RelayMessages"
    effect    = "Allow"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = ["${aws_dynamodb_table.arbiter[0].arn}"]
  }
}

data "aws_iam_policy_document" "witness" {
  statement {
    sid       = "ReadAddressesAndInstances"
    effect    = "Allow"
    actions   = ["ec2:DescribeAddresses", "ec2:DescribeInstances"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = ["${data.aws_region.current.region}"]
    }
  }

  statement {
    sid       = "ReadTheKey"
    effect    = "Allow"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${aws_secretsmanager_secret.key.arn}"]
  }
}
