#!/bin/sh
# Builds the SIP and media libraries: .ci/deps.sh VARIANT DIR
#
# libre, rem and baresip come as Debian's own source tarballs, the same three on
# every Debian, and are checked against the sums below before anything is
# unpacked. They are built unpatched and end up as
#
#   DIR/include/{re,rem,baresip}/   DIR/lib/{libbaresip,librem,libre}.a
#
# VARIANT is release, debug (address and undefined sanitizers, leak tracking),
# tsan or fuzz (clang). Tarballs, and what was once built from them, are kept in
# $BELLPULL_CACHE: a second tree on the same machine unpacks instead of building.
set -eu

variant=$1
dest=$2
cache=${BELLPULL_CACHE:-build/cache}
codecs="g711 g722 g726 gsm opus"

mkdir -p "$cache" "$dest"
cache=$(cd "$cache" && pwd)
dest=$(cd "$dest" && pwd)

tarballs="
43aa439b96aff75fe5768b9f9d49dea97042e42e7647df47b345465763e2f7ed libre_2.0.1.orig.tar.gz
bcc91bb521fae183357fb422b00a3981477a22e99d3afe165c4ec50a6bbed9da rem_1.0.0.orig.tar.gz
f9230b27c4a62f31223847bc485c51f3d960f8a09f36998dedb73358e1784b4e baresip_1.1.0.orig.tar.gz"

say() { printf '  DEPS  %s\n' "$*"; }

die() {
	printf 'deps: %s\n' "$*" >&2
	exit 1
}

have_all() {
	echo "$tarballs" | while read -r sum file; do
		[ -z "$sum" ] || [ -f "$cache/$file" ] || exit 1
	done
}

check_sums() {
	echo "$tarballs" | sed '/^$/d; s/ /  /' |
		(cd "$cache" && sha256sum --check --quiet -) ||
		die "a source tarball in $cache isn't the one that was pinned"
}

# The machine's own mirrors, whatever form its apt settings have. The host
# release goes first: that is Debian's archive and not somebody's extra.
mirrors() {
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-trixie}")
	# shellcheck disable=SC2016
	apt-get indextargets --no-release-info \
		--format '$(RELEASE) $(REPO_URI)' 'Identifier: Packages' |
		awk -v host="$codename" '$1 == host && !seen[$2]++ { print $2 }'
}

# A private apt: nothing under /etc/apt or /var/lib/apt is touched.
fetch() {
	apt=$(mktemp -d)
	trap 'rm -rf "$apt"' EXIT
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	cat >"$apt/apt.conf" <<-CONF
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$apt/lists";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "root";
		Acquire::Retries "3";
	CONF
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	for mirror in $(mirrors); do
		echo "deb-src [signed-by=$keyring] $mirror trixie main" \
			>"$apt/sources.list"
		say "fetching the sources of libre, rem and baresip with apt"
		if APT_CONFIG=$apt/apt.conf apt-get update -qq &&
			(cd "$apt" && APT_CONFIG=$apt/apt.conf apt-get source -qq \
				--tar-only --download-only \
				libre/trixie rem/trixie baresip/trixie); then
			mv "$apt"/*.orig.tar.gz "$cache/"
			return 0
		fi
	done
	die "no mirror of this machine's apt gave the sources: put" \
		"libre_2.0.1, rem_1.0.0 and baresip_1.1.0 .orig.tar.gz into $cache"
}

# _DEFAULT_SOURCE: some of their files ask for parts of the C library by its
# inner names (__USE_MISC). The fortified headers then use functions that were
# never declared, which gcc 14 refuses, unless POSIX is asked for as well.
#
# What else decides the outcome: this script, the compiler, OpenSSL's version.
cc=gcc
flags="-O2 -g -fPIC -fstack-protector-strong"
release=RELEASE=1
case $variant in
release) flags="$flags -D_FORTIFY_SOURCE=2" ;;
debug)
	flags="-O1 -g -fPIC -fsanitize=address,undefined -fno-omit-frame-pointer"
	release=
	;;
tsan)
	flags="-O1 -g -fPIC -fsanitize=thread"
	;;
fuzz)
	cc=clang
	flags="-O1 -g -fPIC -fsanitize=address,undefined,fuzzer-no-link"
	;;
*) die "$variant? release, debug, tsan or fuzz" ;;
esac
key=$({ cat "$0"; echo "$variant"; $cc --version; openssl version; } |
	sha256sum | cut -c1-16)
kept=$cache/built-$variant-$key.tar

if [ -f "$kept" ]; then
	tar -xf "$kept" -C "$dest"
	exit 0
fi

have_all || fetch
check_sums

work=$dest/src
rm -rf "$work"
mkdir -p "$work"
for file in libre_2.0.1 rem_1.0.0 baresip_1.1.0; do
	tar -xzf "$cache/$file.orig.tar.gz" -C "$work"
done
re=$work/re-2.0.1
rem=$work/rem-1.0.0
baresip=$work/baresip-1.1.0

# build NAME TARGET [VARIABLE=VALUE...]: one library, its output kept in a log
# that is shown when it fails
build() {
	dir=$1
	shift
	say "building $(basename "$dir") ($variant)"
	make -C "$dir" -j2 "$@" $release CC="$cc" \
		LIBRE_MK="$re/mk/re.mk" LIBRE_INC="$re/include" LIBRE_SO="$re" \
		EXTRA_CFLAGS="-D_DEFAULT_SOURCE $flags" >"$work/log" 2>&1 || {
		cat "$work/log"
		die "$(basename "$dir") did not build"
	}
}

build "$re" libre.a
build "$rem" librem.a
build "$baresip" libbaresip.a STATIC=yes MODULES="$codecs" \
	LIBREM_PATH="$rem" LIBREM_INC="$rem/include" LIBREM_SO="$rem"

mkdir -p "$dest/include" "$dest/lib"
for lib in "$re:re" "$rem:rem" "$baresip:baresip"; do
	rm -rf "$dest/include/${lib#*:}"
	cp -r "${lib%:*}/include" "$dest/include/${lib#*:}"
done
cp "$re/libre.a" "$rem/librem.a" "$baresip/libbaresip.a" "$dest/lib/"
rm -rf "$work"

tar -cf "$kept.$$" -C "$dest" include lib
mv "$kept.$$" "$kept"
