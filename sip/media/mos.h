/* How good a call sounded, by numbers: ITU-T G.107 (E-model), simplified. Pure. */
#ifndef BELLPULL_SIP_MEDIA_MOS_H
#define BELLPULL_SIP_MEDIA_MOS_H

#include <stdint.h>

struct gw_mos_facts {
	const char *codec; /* SDP encoding name */
	uint32_t received, lost;
	uint32_t jitter_us, rtt_us;
};

/* The mean opinion score times 100: 100 to 450. 0: nothing was received. */
uint16_t gw_mos_x100(const struct gw_mos_facts *facts);

#endif
