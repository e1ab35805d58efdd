#!/bin/sh
# Runs every suite there is: tests/suite.sh [NAME...]
#
# Each suite prints "ok NAME" and "FAILED NAME: why" and ends with
# "N passed, N failed"; here these are shown as they come and added up. The run
# fails when a test failed, when a suite ended without its count (it crashed), or
# when nothing ran. The total stands alone on the last line.
#
# unit, calls, oom, wire and hostile run under ASan and UBSan, tsan under TSan (G27).
# Suites with sockets run in a network namespace of their own, so ports and
# machines never collide. Suites not named run when their files are there.
set -u

cd "$(dirname "$0")/.." || exit 1
run=build/debug/tests/run
logs=build/test-logs
seconds=${FUZZ_SECONDS:-10}
mkdir -p "$logs"
# databases of tests in memory: thousands of them wait for their disk
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
rm -f "$logs"/*

# ---------------------------------------------------------------- the suites

# name | network: yes or no | what must be there | command
suites() {
	cat <<-END
		check|no|Makefile|.ci/check.sh
		unit|yes|$run|$run unit/
		calls|yes|tests/calls|$run calls/
		oom|yes|$run|$run --oom
		tsan|yes|build/tsan/tests/run|build/tsan/tests/run
		wire|yes|tests/wire/run.mjs|node tests/wire/run.mjs build/debug/bellpull
		web-lib|no|tests/web/unit.mjs|node tests/web/unit.mjs
		web|yes|tests/web/run.mjs|node tests/web/run.mjs build/bellpull
		sipp|yes|tests/sipp/run.mjs|node tests/sipp/run.mjs build/bellpull
		kamailio|yes|tests/kamailio/run.mjs|node tests/kamailio/run.mjs build/bellpull
		install|no|server/main.c|tests/install.sh
		fuzz|yes|tests/fuzz|tests/fuzz.sh $seconds
	END
}

# Other kinds of suites bring their own runner, tests/DIR/run.{mjs,sh}, which is
# given the gateway to test: with sanitizers where somebody means it harm.
more_suites() {
	for runner in tests/*/run.mjs tests/*/run.sh; do
		[ -f "$runner" ] || continue
		name=${runner#tests/}
		name=${name%%/*}
		gateway=build/bellpull
		case $name in
		wire | web | sipp | kamailio | bench) continue ;;
		hostile) gateway=build/debug/bellpull ;;
		esac
		case $runner in
		*.mjs) echo "$name|yes|$runner|node $runner $gateway" ;;
		*) echo "$name|yes|$runner|$runner $gateway" ;;
		esac
	done
}

# ---------------------------------------------------------------- networks

if [ "$(id -u)" = 0 ]; then
	apart="unshare -n"
else
	apart="unshare -rn"
fi
if ! $apart true 2>/dev/null; then
	echo "(no network namespace can be made here: using the machine's loopback)"
	apart=
fi

# alone COMMAND...: in a namespace whose loopback is up
alone() {
	if [ -n "$apart" ]; then
		# shellcheck disable=SC2016
		$apart sh -c 'ip link set lo up && exec "$@"' sh "$@"
	else
		"$@"
	fi
}

# ---------------------------------------------------------------- the run

total_passed=0
total_failed=0
suites_run=0
summary=

# suite NAME NETWORK COMMAND...
suite() {
	name=$1
	network=$2
	shift 2
	log=$logs/$name.log
	begin=$(date +%s)
	echo "== $name"
	if [ "$network" = yes ]; then
		{ alone "$@" 2>&1; echo $? >"$logs/$name.exit"; } | tee "$log"
	else
		{ "$@" 2>&1; echo $? >"$logs/$name.exit"; } | tee "$log"
	fi
	took=$(($(date +%s) - begin))

	count=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	passed=${count%% *}
	failed=$(echo "$count" | sed 's/.*, \([0-9]*\) failed/\1/')
	note=
	if [ -z "$count" ]; then
		passed=$(grep -c '^ok ' "$log")
		failed=$(($(grep -c '^FAILED ' "$log") + 1))
		note="  ended without its count"
	elif [ "$passed$failed" = 00 ]; then
		failed=1
		note="  nothing ran"
	elif [ "$failed" = 0 ] && [ "$(cat "$logs/$name.exit")" != 0 ]; then
		failed=1
		note="  exit status $(cat "$logs/$name.exit")"
	fi

	suites_run=$((suites_run + 1))
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
	summary="$summary$(printf '%-10s %5s passed %4s failed %5ss%s' \
		"$name" "$passed" "$failed" "$took" "$note")
"
}

wanted() {
	for word in $picked; do
		[ "$word" = "$1" ] && return 0
	done
	[ -z "$picked" ]
}

picked=$*
{ suites; more_suites; } >"$logs/list"
while IFS='|' read -r name network needed command <&3; do
	[ -e "$needed" ] || continue
	wanted "$name" || continue
	# shellcheck disable=SC2086
	suite "$name" "$network" $command </dev/null
done 3<"$logs/list"

echo "== all"
printf '%s' "$summary"
[ "$suites_run" != 0 ] || total_failed=1
grep -h '^FAILED ' "$logs"/*.log 2>/dev/null
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]
