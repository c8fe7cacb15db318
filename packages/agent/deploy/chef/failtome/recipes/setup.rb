# frozen_string_literal: true

# For the setup event of an OpsWorks layer, and for its configure event: takes the place of haproxyfailover::setup, and its
# custom JSON as it is, {"stack": {"primary_ip": "…", "failover_topic": "…"}}. What the JSON doesn't say is looked up on the instance.

failtome_agent 'failtome' do
  package_url node['failtome']['package_url']
  package_sha256 node['failtome']['package_sha256']
  stack('stack' => node['stack'].to_h, 'opsworks' => node['opsworks'].to_h)
  driver node['failtome']['driver']
  nodes node['failtome']['nodes']
  key node['failtome']['key']
  key_secret node['failtome']['key_secret']
  action %i(install configure enable)
end
