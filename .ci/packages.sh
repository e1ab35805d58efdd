#!/bin/sh
# Installs what is missing of Debian's packages: .ci/packages.sh build|check|test
#
# build is enough for a gateway, check adds the checkers, test the peers and
# tools of the suites. Debian 12 and 13; what is there already is left alone.
set -eu

build="gcc make libc6-dev libssl-dev zlib1g-dev libopus-dev libgsm1-dev
libspandsp-dev libmicrohttpd-dev libgnutls28-dev libseccomp-dev libcjson-dev libsqlite3-dev
libcurl4-openssl-dev libexpat1-dev ca-certificates openssl dpkg-dev curl"
check="clang-format clang-tidy cppcheck"
test="clang sip-tester sipsak sipvicious kamailio kamailio-tls-modules chromium firefox-esr
baresip-core iproute2 curl python3 php-cli binutils systemd sslscan slowhttptest"

die() {
	printf 'packages: %s\n' "$*" >&2
	exit 1
}

case ${1:-} in
build) wanted=$build ;;
check) wanted="$build $check" ;;
test) wanted="$build $check $test" ;;
*) die "build, check or test?" ;;
esac

command -v dpkg-query >/dev/null ||
	die "this isn't Debian; install by its own means what is like: $wanted"

installed() {
	dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^.i'
}

# The sanitizer and fuzzer runtime carries clang's version in its name. The
# suites in JavaScript take any Node there is; Debian's is the one to install.
if [ "$1" = test ]; then
	clang=$(apt-cache depends clang 2>/dev/null |
		sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
	[ -z "$clang" ] || wanted="$wanted libclang-rt-$clang-dev"
	command -v node >/dev/null || wanted="$wanted nodejs"
	command -v npm >/dev/null || wanted="$wanted npm"
fi

missing=
for package in $wanted; do
	installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	root=
elif command -v sudo >/dev/null; then
	root=sudo
else
	die "neither root nor sudo; ask for these packages:$missing"
fi

count=$(echo "$missing" | wc -w)
printf '  APT   reading the package lists\n'
$root apt-get update -qq || die "apt-get update failed"
# The lists may have been empty before: only now is clang's version known.
if [ "$1" = test ] && [ -z "$clang" ]; then
	clang=$(apt-cache depends clang |
		sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
	missing="$missing libclang-rt-$clang-dev"
fi
printf '  APT   installing %s packages, which can take minutes:%s\n' \
	"$count" "$missing"
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	--no-install-recommends -o Dpkg::Use-Pty=0 $missing >build/apt.log 2>&1 || {
	tail -n 20 build/apt.log
	die "apt-get install failed; the whole story is in build/apt.log"
}
