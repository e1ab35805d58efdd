#!/bin/sh
# Runs the unit, call and wire tests with a build that counts, and prints how much of
# each file they have run: .ci/coverage.sh [WORD...]
#
# What decides who may do what, and what is on disk, has to be run nearly whole:
# less than 95 % of the lines of one of those files is a failure. With WORDs only the
# unit tests that have one in their name run, and nothing fails.
set -u

cd "$(dirname "$0")/.." || exit 1
least=95
watched='server/(policy|auth|key|keyring|store)[a-z_]*\.c'
counts=build/coverage/counts
mkdir -p "$counts"
export TMPDIR="${TMPDIR:-/tmp}"

apart="unshare -rn"
[ "$(id -u)" != 0 ] || apart="unshare -n"
alone() {
	# shellcheck disable=SC2016
	$apart sh -c 'ip link set lo up && exec "$@"' sh "$@"
}

find build/coverage/obj -name '*.gcda' -delete
alone build/coverage/tests/run "$@" | tail -n 1
if [ $# = 0 ]; then
	alone build/coverage/tests/run --oom store policy auth key | tail -n 1
	alone node tests/wire/run.mjs build/coverage/bellpull | tail -n 1
fi

# "File 'server/a.c'" and "Lines executed:97.50% of 40"
find build/coverage/obj/config build/coverage/obj/server build/coverage/obj/sip \
	-name '*.gcda' | sort | while read -r data; do
	gcov -n -o "$(dirname "$data")" "$data" 2>/dev/null
done | awk -F"[':%]" '
	/^File / { file = $2 }
	/^Lines executed/ && file ~ /^(config|server|sip)\/.*\.c$/ {
		percent = $2; split($0, part, " of "); lines = part[2] + 0
		if (!(file in seen)) { seen[file] = lines; share[file] = percent }
		file = ""
	}
	END { for (f in seen) printf "%s %d %.2f\n", f, seen[f], share[f] }
' | sort >"$counts/files"

awk -v watched="^$watched\$" -v least="$least" '
	{
		all += $2; ran += $2 * $3 / 100
		w = $1 ~ watched
		printf "%6.2f %% of %4d  %s%s\n", $3, $2, $1, w ? "  *" : ""
		if (w && $3 < least) { low = low " " $1 }
	}
	END {
		printf "%6.2f %% of %d lines; files with * want %d %%\n", ran * 100 / all, all, least
		if (low) { print "too little is run of:" low; exit 1 }
	}
' "$counts/files"
ended=$?
[ $# != 0 ] || exit $ended
