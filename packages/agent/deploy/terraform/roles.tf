data "aws_iam_policy_document" "instances" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.${data.aws_partition.current.dns_suffix}"]
    }
  }
}

resource "aws_iam_role" "node" {
  name_prefix        = "failtome-${var.cluster}-"
  description        = "The nodes of the failtome cluster ${var.cluster}"
  assume_role_policy = data.aws_iam_policy_document.instances.json
  tags               = local.tags
}

resource "aws_iam_instance_profile" "node" {
  name_prefix = "failtome-${var.cluster}-"
  role        = aws_iam_role.node.name
  tags        = local.tags
}

resource "aws_iam_role_policy" "node" {
  name   = "failtome"
  role   = aws_iam_role.node.id
  policy = data.aws_iam_policy_document.node.json
}

resource "aws_iam_role_policy" "arbiter" {
  count  = var.arbiter ? 1 : 0
  name   = "failtome-arbiter"
  role   = aws_iam_role.node.id
  policy = data.aws_iam_policy_document.arbiter[0].json
}

# A third voter finds the others and reads the key when it is set up, and never calls AWS after that.
resource "aws_iam_role" "witness" {
  count              = var.witness_subnet == null ? 0 : 1
  name_prefix        = "failtome-${var.cluster}-witness-"
  description        = "The third voter of the failtome cluster ${var.cluster}"
  assume_role_policy = data.aws_iam_policy_document.instances.json
  tags               = local.tags
}

resource "aws_iam_instance_profile" "witness" {
  count       = var.witness_subnet == null ? 0 : 1
  name_prefix = "failtome-${var.cluster}-witness-"
  role        = aws_iam_role.witness[0].name
  tags        = local.tags
}

resource "aws_iam_role_policy" "witness" {
  count  = var.witness_subnet == null ? 0 : 1
  name   = "failtome"
  role   = aws_iam_role.witness[0].id
  policy = data.aws_iam_policy_document.witness.json
}
