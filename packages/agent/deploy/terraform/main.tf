data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_eip" "given" {
  count = var.allocation_id == null ? 0 : 1
  id    = var.allocation_id
}

locals {
  tags          = { failtome = var.cluster }
  public_ip     = var.allocation_id == null ? aws_eip.shared[0].public_ip : data.aws_eip.given[0].public_ip
  allocation_id = var.allocation_id == null ? aws_eip.shared[0].allocation_id : var.allocation_id
  topic_arn     = var.topic_arn == null ? aws_sns_topic.failover[0].arn : var.topic_arn
  subnet_ids    = sort(distinct(values(var.node_subnets)))
  settings = {
    FAILTOME_PACKAGE_URL    = var.package_url
    FAILTOME_PACKAGE_SHA256 = var.package_sha256
    FAILTOME_KEY_SECRET     = aws_secretsmanager_secret.key.arn
    FAILTOME_NODES          = length(var.node_subnets) + (var.witness_subnet == null ? 0 : 1)
    FAILTOME_IP             = local.public_ip
    FAILTOME_TOPIC          = local.topic_arn
    FAILTOME_TABLE          = var.arbiter ? aws_dynamodb_table.arbiter[0].name : ""
  }
  user_data = join("\n", concat(
    ["#!/bin/sh", var.before],
    [for name, value in local.settings : "export ${name}='${value}'"],
    [file("${path.module}/bootstrap.sh")],
  ))
}

# Not associated here: Terraform would take it back from whoever has it. The nodes do that themselves.
resource "aws_eip" "shared" {
  count  = var.allocation_id == null ? 1 : 0
  domain = "vpc"
  tags   = merge(local.tags, { Name = var.cluster })

  lifecycle {
    ignore_changes = [instance, network_interface, associate_with_private_ip]
  }
}

resource "aws_sns_topic" "failover" {
  count       = var.topic_arn == null ? 1 : 0
  name_prefix = "failtome-${var.cluster}-"
  tags        = local.tags
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = var.topic_arn == null ? var.emails : toset([])
  topic_arn = local.topic_arn
  protocol  = "email"
  endpoint  = each.value
}

# Lost, it is made anew by the nodes, and lends nothing for a while.
resource "aws_dynamodb_table" "arbiter" {
  count        = var.arbiter ? 1 : 0
  name         = "failtome-${var.cluster}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  tags         = local.tags

  attribute {
    name = "id"
    type = "S"
  }

  lifecycle {
    precondition {
      condition     = length(var.node_subnets) == 2 && var.witness_subnet == null
      error_message = "An arbiter is the third voter of two nodes: give two node_subnets, and no witness_subnet."
    }
  }
}

# Secrets Manager makes up the key; it is in no plan and in no state.
ephemeral "aws_secretsmanager_random_password" "key" {
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "key" {
  name_prefix = "failtome-${var.cluster}-"
  description = "The key of the failtome cluster ${var.cluster}"
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "key" {
  secret_id                = aws_secretsmanager_secret.key.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.key.random_password
  secret_string_wo_version = 1
}
