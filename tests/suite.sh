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
#
# Two lanes run at once: "busy" suites compute, and give way; "patient" ones mostly
# wait for a network. Some of these stand at the end of the busy lane, so that both
# end at about the same time. LANES=1 runs one suite after the other.
set -u

cd "$(dirname "$0")/.." || exit 1
run=build/debug/tests/run
logs=build/test-logs
seconds=${FUZZ_SECONDS:-10}
mkdir -p "$logs"
# databases of tests in memory: thousands of them wait for their disk
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm

# ---------------------------------------------------------------- the suites

# name | lane | network: yes or no | what must be there | command
suites() {
	cat <<-END
		check|busy|no|Makefile|.ci/check.sh
		unit|busy|yes|$run|$run unit/
		calls|busy|yes|tests/calls|$run calls/
		oom|busy|yes|$run|$run --oom
		tsan|busy|yes|build/tsan/tests/run|build/tsan/tests/run
		fuzz|busy|yes|tests/fuzz|tests/fuzz.sh $seconds
		web-lib|busy|no|tests/web/unit.mjs|node tests/web/unit.mjs
		install|busy|no|server/main.c|tests/install.sh
		wire|patient|yes|tests/wire/run.mjs|node tests/wire/run.mjs build/debug/bellpull
		web|patient|yes|tests/web/run.mjs|node tests/web/run.mjs build/bellpull
		sipp|patient|yes|tests/sipp/run.mjs|node tests/sipp/run.mjs build/bellpull
		kamailio|patient|yes|tests/kamailio/run.mjs|node tests/kamailio/run.mjs build/bellpull
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
		lane=patient
		case $name in
		wire | web | sipp | kamailio | bench) continue ;;
		crash | webhooks) lane=busy ;;
		hostile) lane=busy gateway=build/debug/bellpull ;;
		esac
		case $runner in
		*.mjs) echo "$name|$lane|yes|$runner|node $runner $gateway" ;;
		*) echo "$name|$lane|yes|$runner|$runner $gateway" ;;
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

# suite NAME NETWORK COMMAND...: its log and its result, "PASSED FAILED SECONDS NOTE"
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
	echo "$passed $failed $took $note" >"$logs/$name.result"
}

wanted() {
	for word in $picked; do
		[ "$word" = "$1" ] && return 0
	done
	[ -z "$picked" ]
}

# lane NAME: its suites, one after the other
lane() {
	while IFS='|' read -r name in network command; do
		[ "$in" != "$1" ] && [ "$1" != any ] && continue
		# shellcheck disable=SC2086
		suite "$name" "$network" $command </dev/null
	done <"$logs/list"
}

if [ "${1:-}" = --lane ]; then
	lane "$2"
	exit
fi

rm -f "$logs"/*
picked=$*
{ suites; more_suites; } | while IFS='|' read -r name in network needed command; do
	[ -e "$needed" ] && wanted "$name" && echo "$name|$in|$network|$command"
done >"$logs/list"

if [ "${LANES:-$(nproc)}" = 1 ]; then
	lane any
else
	# a session of its own, so that whoever ends this ends all of it
	setsid nice -n 10 tests/suite.sh --lane busy &
	busy=$!
	trap 'kill -- "-$busy" 2>/dev/null' EXIT
	trap 'exit 130' INT TERM
	lane patient
	wait "$busy"
	trap - EXIT
fi

total_passed=0
total_failed=0
echo "== all"
while IFS='|' read -r name _; do
	# a suite without a result was ended from outside
	read -r passed failed took note <"$logs/$name.result" || {
		passed=0 failed=1 took=0 note="  did not end"
	}
	printf '%-10s %5s passed %4s failed %5ss%s\n' \
		"$name" "$passed" "$failed" "$took" "${note:+  $note}"
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
done <"$logs/list"
[ -s "$logs/list" ] || total_failed=1
grep -h '^FAILED ' "$logs"/*.log 2>/dev/null
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]
