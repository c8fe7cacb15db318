#!/bin/sh
# Makes this instance a node of a failtome cluster: installs the package and HAProxy, and writes the configuration that every
# node writes alike. Run as root at the first boot; run again, it goes on where it ended and changes nothing that is there.
#
# FAILTOME_PACKAGE_URL      where the .deb or .rpm of this processor is
# FAILTOME_PACKAGE_SHA256   its SHA-256
# FAILTOME_KEY_SECRET       the ARN of the secret of Secrets Manager that holds the cluster's key
# FAILTOME_NODES            how many nodes the cluster has, witness and all; they carry the tag failtome
# FAILTOME_IP               the Elastic IP; empty: looked up by its tag failtome
# FAILTOME_TOPIC            the ARN of the SNS topic; empty: nobody is told
# FAILTOME_TABLE            the DynamoDB table that is the third voter of a pair; empty: there is none
# FAILTOME_PAUSE            seconds between two tries of what may not be there yet; 10 by default
set -eu

config=/etc/failtome/failtome.yaml
haproxy_config=/etc/haproxy/haproxy.cfg
health_path=/failtome-health

say() {
  echo "failtome set-up: $*"
}

# Roles, names and the other instances may come later than this one: a quarter of an hour is enough for all of them.
again() {
  tries=90
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
      say "given up: $*" >&2
      exit 1
    fi
    sleep "${FAILTOME_PAUSE:-10}"
  done
}

has() {
  command -v "$1" >/dev/null
}

download() {
  if has curl; then
    curl -fsSL --max-time 300 -o "$package" "$FAILTOME_PACKAGE_URL"
  else
    wget -q -T 300 -O "$package" "$FAILTOME_PACKAGE_URL"
  fi
}

# apt waits for what the first boot of a distribution may be busy with.
install() {
  if has apt-get; then
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y "$@"
  else
    dnf -q install -y "$@"
  fi
}

install_haproxy() {
  ! has apt-get || apt-get -qq -o DPkg::Lock::Timeout=300 update || return 1
  install haproxy
}

# Where nothing listens on port 80 yet, a page that says whether this HAProxy works, and what an application puts in its place.
configure_haproxy() {
  if ! grep -Eqs '^[[:space:]]*bind[[:space:]].*:80([[:space:]]|$)' "$haproxy_config"; then
    cat >>"$haproxy_config" <<END

# From failtome's set-up. Whatever takes its place on port 80 keeps the line monitor-uri: it is what failtome's probes ask for.
frontend failtome
  mode http
  bind :80
  timeout client 10s
  monitor-uri $health_path
  http-request return status 503 content-type text/plain string "No application is configured here yet."
END
  elif ! grep -Eqs "^[[:space:]]*monitor-uri[[:space:]]+$health_path([[:space:]]|\$)" "$haproxy_config"; then
    say "add to the frontend on port 80 in $haproxy_config: monitor-uri $health_path" >&2
  fi
  haproxy -c -q -f "$haproxy_config"
  systemctl enable haproxy
  systemctl reload-or-restart haproxy
}

write_configuration() {
  set -- --yes --key-secret "$FAILTOME_KEY_SECRET" --expect "$FAILTOME_NODES" --path "$health_path"
  [ -z "${FAILTOME_IP:-}" ] || set -- "$@" --ip "$FAILTOME_IP"
  [ -z "${FAILTOME_TOPIC:-}" ] || set -- "$@" --topic "$FAILTOME_TOPIC"
  [ -z "${FAILTOME_TABLE:-}" ] || set -- "$@" --table "$FAILTOME_TABLE" --arbiter
  again failtome init "$@"
}

# Its entry in the configuration says so, by the tag failtome:role of its instance.
is_witness() {
  failtome config -c "$config" | grep -Eq '^  role: "?witness'
}

for name in FAILTOME_PACKAGE_URL FAILTOME_PACKAGE_SHA256 FAILTOME_KEY_SECRET FAILTOME_NODES; do
  eval "[ -n \"\${$name:-}\" ]" || { say "$name is not set" >&2; exit 2; }
done
package=/var/tmp/failtome.$(has apt-get && echo deb || echo rpm)
if ! has failtome; then
  again download
  echo "$FAILTOME_PACKAGE_SHA256  $package" | sha256sum -c --status - || { say "$FAILTOME_PACKAGE_URL has another SHA-256" >&2; exit 1; }
  again install "$package"
fi
[ -e "$config" ] || write_configuration
if ! is_witness; then
  has haproxy || again install_haproxy
  configure_haproxy
fi
systemctl enable failtome
systemctl start failtome
say "started; failtome check says what is missing, until the other nodes run as well"
again failtome check -c "$config"
say "done"
