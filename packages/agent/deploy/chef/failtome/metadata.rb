# frozen_string_literal: true

name 'failtome'
maintainer 'The failtome authors'
license 'MIT'
description 'Failover of an AWS Elastic IP between HAProxy nodes'
version '0.1.0'
chef_version '>= 15.3'

supports 'debian', '>= 12.0'
supports 'ubuntu', '>= 22.04'
supports 'amazon', '>= 2023.0'
