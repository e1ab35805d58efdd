/* ITU-T G.107 with its default values for all that can't be seen in packets:
 *
 *   R = 93.2 - Id(delay) - Ie_eff(codec, loss)
 *
 * Delay is half of the round trip, a buffer of twice the jitter at the far side,
 * and the packet itself. Ie and Bpl are those of G.113, appendix I, where it has
 * them; wideband codecs are put on the narrow-band scale as being without fault. */
#include "sip/media/mos.h"

#include <math.h>

#include <re.h>

enum { PACKET_MS = 25 }; /* 20 of sound, and the coder's own */

/* Ie: what the codec itself costs; bpl: how well it stands loss. */
static const struct {
	const char *codec;
	double ie, bpl;
} codecs[] = {
	{ "PCMA", 0, 25.1 },   { "PCMU", 0, 25.1 },  { "G722", 0, 17 },
	{ "opus", 0, 20 },     { "GSM", 20, 10 },    { "iLBC", 11, 32 },
	{ "G726-40", 2, 14 },  { "G726-32", 7, 14 }, { "G726-24", 25, 14 },
	{ "G726-16", 50, 14 },
};

/* G.107 7.4, in its usual short form. */
static double delay_impairment(const struct gw_mos_facts *facts)
{
	const double ms = facts->rtt_us / 2000.0 +
			  2 * facts->jitter_us / 1000.0 + PACKET_MS;
	const double late = ms - 177.3;

	return 0.024 * ms + (late > 0 ? 0.11 * late : 0);
}

/* G.107 7.5, for loss that is spread at random. */
static double equipment_impairment(const struct gw_mos_facts *facts)
{
	const double all = (double)facts->received + facts->lost;
	const double loss = 100 * facts->lost / all;
	double ie = 10, bpl = 10; /* of one that we don't know */

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		if (!str_casecmp(codecs[i].codec, facts->codec)) {
			ie = codecs[i].ie;
			bpl = codecs[i].bpl;
		}
	}

	return ie + (95 - ie) * loss / (loss + bpl);
}

/* G.107 annex B */
uint16_t gw_mos_x100(const struct gw_mos_facts *facts)
{
	double r, mos;

	if (!facts->received)
		return 0;

	r = 93.2 - delay_impairment(facts) - equipment_impairment(facts);
	if (r < 0)
		r = 0;
	mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;

	return mos < 1 ? 100 : (uint16_t)lround(mos * 100);
}
