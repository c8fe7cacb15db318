# frozen_string_literal: true

# The switch from the script that monit ran: after it, failtome alone moves the address. Run it on every node once
# failtome check has nothing left to say on any of them.

service 'monit' do
  action :nothing
end

file '/etc/monit.d/haproxywatch.monitrc' do
  action :delete
  notifies :reload, 'service[monit]', :immediately
end

file '/etc/failtome.sh' do
  action :delete
end
