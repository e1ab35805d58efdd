#!/bin/sh
# Runs each fuzz target for a while: tests/fuzz.sh SECONDS [NAME...]
#
# A target starts from what is kept in tests/fuzz/seeds/NAME/; what it finds on
# the way goes to build/fuzz/, an input that breaks it too.
set -u

seconds=${1:-10}
[ $# = 0 ] || shift
passed=0
failed=0

for source in tests/fuzz/fuzz_*.c; do
	[ -f "$source" ] || continue
	name=$(basename "$source" .c)
	short=${name#fuzz_}
	case " ${*:-$short} " in *" $short "*) ;; *) continue ;; esac
	binary=build/fuzz/tests/$name
	found=build/fuzz/found/$short
	log=build/fuzz/$name.log
	mkdir -p "$found"
	seeds=tests/fuzz/seeds/$short
	[ -d "$seeds" ] || seeds=
	# shellcheck disable=SC2086
	if "$binary" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="build/fuzz/$short-" \
		"$found" $seeds >"$log" 2>&1; then
		echo "ok fuzz/$short ($(sed -n \
			's/.*number_of_executed_units: *//p' "$log") inputs)"
		passed=$((passed + 1))
	else
		tail -n 40 "$log"
		echo "FAILED fuzz/$short: $(grep -m1 -E 'ERROR|SUMMARY' "$log")"
		failed=$((failed + 1))
	fi
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
