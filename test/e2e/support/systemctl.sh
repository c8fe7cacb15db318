#!/bin/sh
# What systemd does with a service, as far as the documented commands need it: a machine of the tests has no systemd.
# It runs the unit's own command line, with its environment file, as its user.
set -u
verb='' units='' now=no quiet=no
for word; do
  case $word in
    --now) now=yes ;;
    --quiet | -q) quiet=yes ;;
    --*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else units="$units ${word%.service}"; fi ;;
  esac
done
here=/run/units
wants=/etc/systemd/system/multi-user.target.wants
mkdir -p $here $wants

file() { for folder in /usr/lib/systemd/system /lib/systemd/system; do [ ! -f "$folder/$1.service" ] || echo "$folder/$1.service"; done | head -n 1; }
setting() { sed -n "s/^$2=//p" "$(file "$1")" | tail -n 1; }
pid() { cat "$here/$1" 2>/dev/null; }
active() { p=$(pid "$1") && [ -n "$p" ] && [ -d "/proc/$p" ] && ! grep -q '^State:.*Z' "/proc/$p/status"; }

start() {
  if active "$1"; then return 0; fi
  condition=$(setting "$1" ConditionPathExists)
  if [ -n "$condition" ] && [ ! -e "$condition" ]; then return 0; fi
  user=$(setting "$1" User)
  environment=$(setting "$1" EnvironmentFile)
  environment=${environment#-}
  log=/var/log/$1.log
  touch "$log"
  from=$(($(wc -c <"$log") + 1))
  (
    set -a
    if [ -n "$environment" ] && [ -f "$environment" ]; then . "$environment"; fi
    set +a
    eval "set -- $(setting "$1" ExecStart)"
    as=${user:+setpriv --reuid=$user --regid=$user --clear-groups}
    exec setsid $as "$@" </dev/null >>"$log" 2>&1
  ) &
  echo $! >"$here/$1"
  # The agent says when it is ready, and systemd waits for that.
  [ "$1" != failtome ] || until tail -c "+$from" "$log" | grep -q '"agent-ready"'; do
    if ! active "$1"; then
      tail -n 20 "$log" >&2
      return 1
    fi
    sleep 0.1
  done
}

stop() {
  if active "$1"; then
    kill -TERM "$(pid "$1")"
    while active "$1"; do sleep 0.05; done
  fi
  rm -f "$here/$1"
}

enable() { [ -z "$(file "$1")" ] || ln -sf "$(file "$1")" "$wants/$1.service"; }

status=0
case $verb in
  is-active | is-enabled) for unit in $units; do
    if [ $verb = is-active ]; then active "$unit"; else [ -L "$wants/$unit.service" ]; fi && word=${verb#is-} || { status=3 word=in${verb#is-}; }
    [ $verb$status != is-enabled3 ] || { status=1 word=disabled; }
    [ $word != enable ] || word=enabled
    [ $quiet = yes ] || echo "$word"
  done ;;
  start | stop) for unit in $units; do $verb "$unit" || status=1; done ;;
  restart) for unit in $units; do stop "$unit"; start "$unit" || status=1; done ;;
  try-restart) for unit in $units; do if active "$unit"; then stop "$unit"; start "$unit" || status=1; fi; done ;;
  reload) for unit in $units; do active "$unit" && kill -HUP "$(pid "$unit")" || status=1; done ;;
  enable | preset) for unit in $units; do enable "$unit"; if [ $now = yes ]; then start "$unit" || status=1; fi; done ;;
  disable) for unit in $units; do rm -f "$wants/$unit.service"; if [ $now = yes ]; then stop "$unit"; fi; done ;;
esac
exit $status
