# frozen_string_literal: true

require 'json'
require 'yaml'

unified_mode true
provides :failtome_agent
resource_name :failtome_agent

property :package_url, String, description: 'Where the .deb or .rpm is; without it the package comes from a repository.'
property :package_sha256, String, regex: /\A[0-9a-f]{64}\z/, description: 'Its SHA-256, required with package_url.'
property :config, [String, Hash], description: 'The configuration, as text or as data.'
property :stack, Hash, description: 'Instead of config: the custom JSON of an OpsWorks stack, with what OpsWorks adds to it.'
property :driver, String, equal_to: %w(ec2 opsworks), default: 'ec2', description: 'With stack: what moves the address.'
property :nodes, Integer, default: 2, description: 'With stack: how many nodes there are before a configuration is written.'
property :key, String, sensitive: true, description: "The cluster's key, or several, one a line."
property :key_secret, String, description: 'Instead of key: the ARN of a secret of Secrets Manager that holds it.'

default_action :install

action :install do
  if new_resource.package_url
    raise ArgumentError, 'package_url needs package_sha256' unless new_resource.package_sha256

    path = ::File.join(Chef::Config[:file_cache_path], "failtome.#{deb? ? 'deb' : 'rpm'}")
    remote_file path do
      source new_resource.package_url
      checksum new_resource.package_sha256
      mode '0644'
    end
    if deb?
      dpkg_package 'failtome' do
        source path
        action :upgrade
      end
    else
      rpm_package 'failtome' do
        source path
        action :upgrade
      end
    end
  else
    package 'failtome'
  end
end

action :configure do
  service 'failtome' do
    action :nothing
  end

  write_key
  if new_resource.config
    given = new_resource.config
    write_config(given.is_a?(Hash) ? JSON.pretty_generate(given) : given, :create)
  elsif new_resource.stack
    text = config_of_stack
    # Once written it stays: OpsWorks lists only instances that are online, and a node that is down is still a voter.
    write_config(text, :create_if_missing) if text
  end
end

action :enable do
  missing = [config_file, key_file].reject { |path| ::File.exist?(path) }
  missing.each { |path| Chef::Log.warn("failtome is not started: there is no #{path} yet") }
  service 'failtome' do
    action missing.empty? ? %i(enable start) : :enable
  end
end

action :remove do
  service 'failtome' do
    action %i(stop disable)
  end
  # The configuration, the key and the state stay.
  package 'failtome' do
    action :remove
  end
end

action_class do
  def config_file
    '/etc/failtome/failtome.yaml'
  end

  def key_file
    '/etc/failtome/cluster.key'
  end

  def deb?
    platform_family?('debian')
  end

  def write_key
    if new_resource.key
      write_secret("#{new_resource.key.strip}\n", :create)
    elsif new_resource.key_secret && !::File.exist?(key_file)
      found = shell_out!('failtome', 'keygen', '--from-secret', new_resource.key_secret)
      write_secret(found.stdout, :create_if_missing)
    end
  end

  def write_secret(text, how)
    file key_file do
      content text
      owner 'root'
      group 'failtome'
      mode '0640'
      sensitive true
      action how
      notifies :reload, 'service[failtome]', :delayed
    end
  end

  def write_config(text, how)
    file config_file do
      content text
      owner 'root'
      group 'failtome'
      mode '0640'
      verify 'failtome config -c %{path} >/dev/null'
      action how
      notifies :reload, 'service[failtome]', :delayed
    end
  end

  # Nil while not all of the nodes are known: OpsWorks runs its configure event again when one comes online.
  def config_of_stack
    path = ::File.join(Chef::Config[:file_cache_path], 'failtome-stack.json')
    file path do
      content JSON.generate(new_resource.stack)
      mode '0600'
    end
    made = shell_out('failtome', 'config', '--from-stack-json', path, '--driver', new_resource.driver)
    raise "failtome config --from-stack-json: #{made.stderr}" if made.exitstatus > 1

    peers = YAML.safe_load(made.stdout)['peers'].length
    return made.stdout if made.exitstatus.zero? && peers >= new_resource.nodes - 1

    Chef::Log.warn("failtome has no configuration yet: #{peers} of #{new_resource.nodes - 1} other nodes are known. #{made.stderr}")
    nil
  end
end
