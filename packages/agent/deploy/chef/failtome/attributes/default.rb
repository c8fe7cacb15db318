# frozen_string_literal: true

# Where the package is, and its SHA-256; nil: from a repository that the machine knows.
default['failtome']['package_url'] = nil
default['failtome']['package_sha256'] = nil

# A configuration as text or data; nil: the recipe setup makes one of the stack's custom JSON.
default['failtome']['config'] = nil

# The cluster's key: what failtome keygen prints, or the ARN of a secret of Secrets Manager that holds it.
default['failtome']['key'] = nil
default['failtome']['key_secret'] = nil

# Of the recipe setup: what moves the address, and how many nodes there are before a configuration is written.
default['failtome']['driver'] = 'ec2'
default['failtome']['nodes'] = 2
