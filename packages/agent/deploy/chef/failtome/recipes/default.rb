# frozen_string_literal: true

# A node whose configuration is given as node['failtome']['config'].

failtome_agent 'failtome' do
  package_url node['failtome']['package_url']
  package_sha256 node['failtome']['package_sha256']
  config node['failtome']['config']&.then { |given| given.respond_to?(:to_h) ? given.to_h : given }
  key node['failtome']['key']
  key_secret node['failtome']['key_secret']
  action %i(install configure enable)
end
