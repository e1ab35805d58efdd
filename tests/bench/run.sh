#!/bin/sh
# make bench: builds the meter and runs it in a network of its own.
#
#   tests/bench/run.sh build/bellpull [PART,PART...]
#
# Parts: cost access latency ceiling overload memory flat streams, and of two people:
# two twoCost twoLatency relay; and webhooks; and of browsers: browser
set -eu

cd "$(dirname "$0")/../.."
for meter in meter pairs sink; do
	gcc -D_GNU_SOURCE -O2 -Wall -Wextra -o build/$meter tests/bench/$meter.c
done
# this one has its ICE, DTLS and SRTP from libre
eval "gcc $(make -s --no-print-directory print-cppflags) -O2 -Wall -Wextra -Wno-unused-function" \
	-o build/browsers tests/bench/browsers.c tests/unit/web_client.c \
	-Lbuild/deps/lib -lre -lssl -lcrypto -lz -lresolv -ldl -lm -pthread

if [ "$(id -u)" = 0 ]; then
	apart="unshare -n"
else
	apart="unshare -rn"
fi
if $apart true 2>/dev/null; then
	# shellcheck disable=SC2016
	exec $apart sh -c 'ip link set lo up && exec "$@"' sh \
		node tests/bench/run.mjs "$1" build/meter ${2:+"$2"}
fi
exec node tests/bench/run.mjs "$1" build/meter ${2:+"$2"}
