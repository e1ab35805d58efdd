/* Why a call ended, in one sentence that a person understands. Pure. */
#ifndef BELLPULL_SIP_DIAGNOSIS_H
#define BELLPULL_SIP_DIAGNOSIS_H

#include "sip/leg.h"

struct gw_diagnosis_facts {
	struct gw_outcome outcome;
	bool two_legs;
	enum gw_role role; /* of the leg that decided */
	char confirm_digit;
	uint32_t confirm_timeout_s;
	const char *uri;           /* what was dialled */
	const char *line;          /* its name */
	const char *user;          /* who logs in */
	const char *const *codecs; /* what we offered */
	size_t codec_count;
	uint16_t sip_code; /* last received; 0: none */
	const char *sip_reason;
	const char *reason_header;
	bool rang; /* a 18x came */
	bool answered;
	bool no_sound_came; /* RTP should have come and none did */
	uint32_t ring_timeout_s;
	struct gw_leg_clues clues;
};

/* Returns out, or NULL when there is nothing to explain. */
const char *gw_diagnosis(char *out, size_t size,
			 const struct gw_diagnosis_facts *facts);

#endif
