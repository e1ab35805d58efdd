#!/bin/sh
# Who may include whom: the arrows of docs/architecture.md, looked up in the
# sources. Prints what goes against them.
set -eu

bad=$(mktemp)
trap 'rm -f "$bad"' EXIT

# stays DIR "ALLOWED...": our own includes of the files in DIR begin with these
stays() {
	dir=$1
	shift
	allowed=$(echo "$*" | tr ' ' '|')
	find "$dir" -name '*.[ch]' | sort | while read -r file; do
		grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" |
			grep -vE "\"($allowed)" |
			sed "s|^|$file:|; s|\$|   ($dir/ includes only $*)|"
	done
}

# only HEADER "FILES...": no other source of the gateway includes it
only() {
	header=$1
	shift
	grep -rnE "#[[:space:]]*include[[:space:]]*[<\"].*${header}[>\"]" \
		--include='*.[ch]' config server sip | while read -r hit; do
		file=${hit%%:*}
		for pattern in "$@"; do
			# shellcheck disable=SC2254
			case $file in $pattern) continue 2 ;; esac
		done
		echo "$hit   ($header is for $*)"
	done
}

{
	[ ! -d config ] || stays config config/
	[ ! -d sip/media ] || stays sip/media sip/media/
	[ ! -d sip ] || stays sip sip/
	[ ! -d server ] || stays server config/ server/ sip/
	only cJSON.h 'config/json*.c' 'server/json*.c'
	only microhttpd.h 'server/http*.[ch]' server/sse.c server/loop.c
	only gnutls/ 'server/http*.[ch]'
	only seccomp.h server/fence.c
	only sqlite3.h 'server/store_sqlite*.[ch]'
	only curl.h 'server/webhook*.c'
	only expat.h server/crm_xml.c
	only libpq-fe.h 'server/store_postgres*.c'
} >"$bad"

cat "$bad"
[ ! -s "$bad" ]
