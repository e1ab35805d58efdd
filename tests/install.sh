#!/bin/sh
# `make install` puts everything where it belongs and leaves a configuration
# alone that is there; the systemd unit is sound and tight; the container's
# entrypoint makes its secrets once.
set -u

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0
failed=0

ok() {
	name=$1
	shift
	if "$@" >"$root/log" 2>&1; then
		echo "ok install/$name"
		passed=$((passed + 1))
	else
		echo "FAILED install/$name: $(tail -n 3 "$root/log" | tr '\n' ' ')"
		failed=$((failed + 1))
	fi
}

install_to() {
	make -s install DESTDIR="$root$1" PREFIX=/usr
}

files_are_there() {
	for file in usr/bin/bellpull usr/lib/systemd/system/bellpull.service \
		usr/share/doc/bellpull/LICENSE usr/share/doc/bellpull/NOTICE \
		usr/share/doc/bellpull/README.md etc/bellpull/bellpull.json; do
		[ -s "$root/a/$file" ] || { echo "$file is missing"; return 1; }
	done
}

# Who reads the installed README can follow it to every file.
documents_lead_somewhere() {
	doc=$root/a/usr/share/doc/bellpull
	(cd "$doc" && find . -name '*.md') | while read -r page; do
		grep -o ']([^)]*)' "$doc/$page" | sed 's/^](//; s/[)#].*//' |
			grep -v '://' | while read -r file; do
			[ -s "$doc/$(dirname "$page")/$file" ] ||
				echo "$page leads to $file, which isn't there"
		done
	done >"$root/astray"
	cat "$root/astray"
	[ ! -s "$root/astray" ] || return 1
	for page in docs/*.md; do
		cmp "$page" "$doc/$page" || return 1
	done
}

the_program_starts() {
	(cd / && "$root/a/usr/bin/bellpull" --version)
}

configuration_is_kept() {
	echo '{ "country": "DE" }' >"$root/a/etc/bellpull/bellpull.json"
	install_to /a || return 1
	grep -q '"DE"' "$root/a/etc/bellpull/bellpull.json"
}

unit_is_sound() {
	unit=$root/bellpull.service
	sed "s|^ExecStart=/usr/bin/bellpull|ExecStart=$root/a/usr/bin/bellpull|" \
		"$root/a/usr/lib/systemd/system/bellpull.service" >"$unit"
	! grep -n '@[A-Z]*@' "$unit" || return 1
	systemd-analyze verify --man=no "$unit"
}

# Exposure is ten for no protection at all.
unit_is_tight() {
	systemd-analyze security --offline=yes --threshold=20 \
		"$root/bellpull.service"
}

# The entrypoint with another /data, and printers in place of the programs.
entrypoint_makes_secrets_once() {
	mkdir -p "$root/bin" "$root/data"
	for program in bellpull kamailio; do
		printf '#!/bin/sh\necho "%s $*"\n' $program >"$root/bin/$program"
		chmod +x "$root/bin/$program"
	done
	run="env PATH=$root/bin:$PATH DATA=$root/data sh docker/entrypoint.sh"
	$run pbx >"$root/pbx" || return 1
	$run gateway >"$root/first" || return 1
	$run gateway >"$root/second" || return 1
	key=$(cat "$root/data/key")
	[ ${#key} = 48 ] || { echo "the key is $key"; return 1; }
	grep -q "Bearer $key" "$root/first" || return 1
	grep -q '^bellpull' "$root/second" || return 1
	! grep -q "$key" "$root/second" || return 1
	[ "$(stat -c %a "$root/data/key")" = 600 ]
}

ok installs install_to /a
ok files_are_there files_are_there
ok documents_lead_somewhere documents_lead_somewhere
ok the_program_starts the_program_starts
ok configuration_is_kept configuration_is_kept
if command -v systemd-analyze >/dev/null; then
	ok unit_is_sound unit_is_sound
	ok unit_is_tight unit_is_tight
fi
ok entrypoint_makes_secrets_once entrypoint_makes_secrets_once
if command -v kamailio >/dev/null; then
	ok compose_pbx_parses env SIP_PASSWORD=x kamailio -c -f docker/kamailio.cfg
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
