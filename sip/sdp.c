/* The codecs this gateway can name in SDP, and the addresses that only mean
 * something in a network of their own.
 *
 *   sdp_read.c    what the far side said, and the choice of a codec
 *   sdp_write.c   what we say
 *   sdp_audio.c   the lines of an audio section
 *   sdp_crypto.c  the keys of SRTP
 *   sdp_text.c    lines and words
 *
 * Reading is done line by line on slices of the text: nothing is copied until a
 * value is known to be small and clean, and a second pass over the offer, not a
 * tree of it, writes the answer. What a stranger sends can cost one walk over
 * at most GW_SDP_READ_MAX bytes for each m= line and no memory.
 *
 *   v= o= s= c= a=...     the session: defaults for what follows
 *   m=audio ...           a section: from its m= line to the next
 *   m=video ...
 */
#include "sip/sdp.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <re_types.h>

#include "sip/sdp_audio.h"

/* can_send says whether baresip has a converter: a test compares. */
static const struct gw_sdp_codec codecs[] = {
	/* clang-format off */
	{ "PCMU",          0,   8000,  1, NULL,            true  },
	{ "GSM",           3,   8000,  1, NULL,            true  },
	{ "PCMA",          8,   8000,  1, NULL,            true  },
	{ "G722",          9,   8000,  1, "bitrate=64000", true  },
	{ "iLBC",          98,  8000,  1, "mode=20",       false },
	{ "G726-40",       102, 8000,  1, NULL,            true  },
	{ "G726-32",       103, 8000,  1, NULL,            true  },
	{ "G726-16",       104, 8000,  1, NULL,            true  },
	{ "G726-24",       105, 8000,  1, NULL,            true  },
	{ "opus",          107, 48000, 2, "minptime=10;useinbandfec=1", true },
	{ GW_SDP_TELEPHONE_EVENT, 101, 8000,  1, "0-16",          false },
	/* clang-format on */
};

const struct gw_sdp_codec *gw_sdp_codec_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		if (name && !strcasecmp(codecs[i].name, name))
			return &codecs[i];
	}

	return NULL;
}

/* Networks whose addresses mean nothing outside of them. */
enum realm { REALM_NONE, REALM_HOST, REALM_LINK, REALM_SITE, REALM_CARRIER };

static enum realm realm_of_ipv4(const unsigned char *a)
{
	if (a[0] == 127)
		return REALM_HOST;
	if (a[0] == 169 && a[1] == 254)
		return REALM_LINK;
	if (a[0] == 100 && a[1] >> 6 == 1)
		return REALM_CARRIER;
	if (a[0] == 10 || (a[0] == 172 && a[1] >> 4 == 1) ||
	    (a[0] == 192 && a[1] == 168))
		return REALM_SITE;

	return REALM_NONE;
}

static enum realm realm_of_ipv6(const unsigned char *a)
{
	static const unsigned char loopback[16] = { [15] = 1 };

	if (!memcmp(a, loopback, sizeof(loopback)))
		return REALM_HOST;
	if (a[0] == 0xfe && a[1] >> 6 == 2)
		return REALM_LINK;
	if ((a[0] & 0xfe) == 0xfc)
		return REALM_SITE;

	return REALM_NONE;
}

static enum realm realm_of(const char *address)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, address, a) == 1)
		return realm_of_ipv4(a);
	if (inet_pton(AF_INET6, address, a) == 1)
		return realm_of_ipv6(a);

	return REALM_NONE;
}

bool gw_sdp_private_address(const char *address, const char *ours)
{
	const enum realm realm = realm_of(address);

	return realm != REALM_NONE && realm != realm_of(ours);
}
