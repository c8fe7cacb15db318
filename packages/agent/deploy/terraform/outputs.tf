output "public_ip" {
  description = "The Elastic IP that the nodes share."
  value       = local.public_ip
}

output "allocation_id" {
  description = "Its allocation id."
  value       = local.allocation_id
}

output "topic_arn" {
  description = "Where people are told of failovers and alarms."
  value       = local.topic_arn
}

output "key_secret_arn" {
  description = "The secret that the nodes have their key from (failtome init --key-secret)."
  value       = aws_secretsmanager_secret.key.arn
}

output "instance_profile" {
  description = "The name of the instance profile of nodes that may take the address."
  value       = aws_iam_instance_profile.node.name
}

output "security_groups" {
  description = "Those of the agents, and of HAProxy besides."
  value       = { peers = aws_security_group.peers.id, service = aws_security_group.service.id }
}

output "user_data" {
  description = "What makes an instance a node: for instances of your own, or an Auto Scaling group's launch template."
  value       = local.user_data
}

output "tags" {
  description = "What instances of your own carry, besides Name, so that the nodes find each other; a third voter also failtome:role = witness."
  value       = local.tags
}

output "instance_ids" {
  description = "Of the nodes that the module made, by name."
  value       = { for name, node in aws_instance.node : name => node.id }
}
