#!/bin/sh
# What the containers run: entrypoint.sh gateway | pbx | health | COMMAND...
#
# Gateway and PBX share DATA (/data). Whoever comes first makes the API key and
# the SIP password there, each once; later starts leave them alone.
set -eu
umask 077

data=${DATA:-/data}
listen=${BELLPULL_HTTP_LISTEN:-127.0.0.1:8080}
listen=${listen%%,*}

# make NAME: a secret of 48 hex digits. link() gives the name to one of several
# who try at once. Fails when it was there already.
make_secret() {
	[ ! -e "$data/$1" ] || return 1
	openssl rand -hex 24 >"$data/.$1.$$"
	made=0
	ln "$data/.$1.$$" "$data/$1" 2>/dev/null || made=1
	rm -f "$data/.$1.$$"
	return $made
}

welcome() {
	cat <<-END

		Bellpull is starting for the first time. Keep these:

		  API key        $(cat "$data/key")
		  SIP password   $(cat "$data/sip-password")

		Register a softphone as 853 with that password at the PBX, then:

		  curl -X POST http://$listen/calls \\
		    -H 'Authorization: Bearer $(cat "$data/key")' \\
		    -d '{"to": "853"}'

	END
}

# Without curl: the status line of /livez.
health() {
	exec bash -c '
		exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || exit 1
		printf "GET /livez HTTP/1.1\r\nHost: localhost\r\n" >&3
		printf "Connection: close\r\n\r\n" >&3
		read -r -t 2 _ code _ <&3 && [ "$code" = 200 ]
	' health "$(echo "$listen" | sed 's/^0\.0\.0\.0:/127.0.0.1:/')"
}

case ${1:-gateway} in
gateway)
	make_secret sip-password || true
	if make_secret key; then
		welcome
	fi
	cd "$data"
	if [ -e "$data/bellpull.json" ]; then
		exec bellpull --config "$data/bellpull.json"
	fi
	exec bellpull
	;;
pbx)
	make_secret sip-password || true
	SIP_PASSWORD=$(cat "$data/sip-password")
	export SIP_PASSWORD
	# -E: log to the terminal; -DD: stay in the foreground
	exec kamailio -DD -E -f /etc/kamailio/kamailio.cfg -m 32 -M 4 \
		-P /tmp/kamailio.pid -Y /tmp
	;;
health) health ;;
*) exec "$@" ;;
esac
