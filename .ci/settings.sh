#!/bin/sh
# No setting is read, checked and documented, and then without effect: each
# member of the structs in config/config.h is used by server/ or sip/. The
# compiler knows: with every member marked as deprecated it warns of each use.
set -eu

# Used while the configuration is loaded, and there alone: whether secrets may
# stand in the file, and what a line takes over when it has none of its own.
inside="gw_config.allow_inline gw_config.country gw_config_media.codecs"

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/config"

# The message of each mark is the number of its line.
awk '
	/^struct gw_config[a-z_]* \{/ {
		name = $2
		marked = name !~ /_(error|errors|setting)$/
	}
	/^\}/ { marked = 0 }
	marked && /^\t[a-z].*;/ {
		sub(/^\t/, "\t__attribute__((deprecated(\"line " NR "\"))) ")
		print NR, name > members
	}
	{ print }
' members="$copy/members" config/config.h >"$copy/config/config.h"
[ "$(wc -l <"$copy/members")" -gt 60 ] ||
	{ echo "config/config.h is not read rightly here"; exit 1; }

# Who includes it, or a header that does.
including() {
	pattern=$1
	shift
	grep -lE "^#include \"($pattern)\"" "$@"
}
headers=$(including config/config.h server/*.h | tr '\n' '|')

flags=$(make -s --no-print-directory print-cppflags)
including "${headers}config/config.h" server/*.c sip/*.c sip/*/*.c |
	while read -r file; do
		eval "gcc -I$copy $flags -fsyntax-only -Wdeprecated-declarations \
			$file" 2>&1
	done >"$copy/log"
if grep ' error: ' "$copy/log"; then
	exit 1
fi
grep -o 'deprecated: line [0-9]*' "$copy/log" | cut -d' ' -f3 | sort -un \
	>"$copy/used"

unused=0
while read -r number struct; do
	! grep -qx "$number" "$copy/used" || continue
	line=$(sed -n "${number}p" config/config.h)
	member=$struct.$(echo "$line" | sed 's/;.*//; s/.*[ *]//')
	case " $inside " in *" $member "*) continue ;; esac
	echo "config/config.h:$number: nothing uses $member"
	unused=1
done <"$copy/members"
exit $unused
