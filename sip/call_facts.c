/* sip/call_facts.c - what is known of a call: its info, its ladder, a sentence on
 * why it ended, and its dialog for the store. */
#include "sip/call_impl.h"

#include <errno.h>

#include "sip/diagnosis.h"
#include "sip/line.h"

enum { SOUND_IS_DUE_MS = 2000 }; /* who has sent no RTP by then, won't */

void gw_call_refresh(struct gw_call *call)
{
	struct gw_call_info *info = &call->info;
	const struct gw_leg *subject = gw_call_subject(call);

	info->state = call->state;
	info->leg_count = call->leg_count;
	for (size_t i = 0; i < call->leg_count; i++)
		gw_leg_info(call->legs[i], &info->legs[i]);

	if (subject) {
		struct gw_leg_info leg;

		gw_leg_info(subject, &leg);
		info->sip_code = leg.sip_code;
		info->sip_reason = leg.sip_reason;
		info->reason_header = leg.reason_header;
	}
}

const struct gw_call_info *gw_call_info(const struct gw_call *call)
{
	struct gw_call *mine = (struct gw_call *)(uintptr_t)call;

	/* legs change without a word to anybody (100 Trying) */
	gw_call_refresh(mine);
	return &call->info;
}

void gw_call_measure(struct gw_call *call)
{
	for (size_t i = 0; i < call->leg_count; i++)
		gw_leg_measure(call->legs[i]);
}

struct ladder_adapter {
	gw_ladder_h *h;
	void *arg;
};

static void ladder_msg(int64_t at_ms, bool sent, const char *text, size_t len,
		       void *arg)
{
	const struct gw_ladder_msg msg = { at_ms, sent, text, len };
	const struct ladder_adapter *adapter = arg;

	adapter->h(&msg, adapter->arg);
}

uint32_t gw_call_ladder(const struct gw_call *call, gw_ladder_h *h, void *arg)
{
	struct ladder_adapter adapter = { h, arg };

	return gw_ladder_apply(&call->ladder, ladder_msg, &adapter);
}

const char *gw_call_diagnosis(const struct gw_call *call)
{
	struct gw_call *mine = (struct gw_call *)(uintptr_t)call;
	const struct gw_leg *subject = gw_call_subject(call);
	const struct gw_line_cfg *line =
		gw_line_cfg(subject ? gw_leg_line(subject) : call->order.line);
	struct gw_diagnosis_facts facts = {
		.outcome = call->info.outcome,
		.uri = call->order.to,
		.line = line->name,
		.two_legs = gw_call_has_two(call),
		.confirm_digit = call->order.confirm_digit,
		.confirm_timeout_s = call->order.confirm_timeout_s,
		.user = line->auth_user ? line->auth_user : line->user,
		.codecs = line->codecs,
		.codec_count = line->codec_count,
		.ring_timeout_s = call->order.ring_timeout_s,
	};
	struct gw_leg_info info;
	char text[512];

	if (call->diagnosis || call->state != GW_CALL_ENDED)
		return call->diagnosis;

	if (subject) {
		gw_leg_info(subject, &info);
		gw_leg_clues(subject, &facts.clues);
		facts.uri = info.uri;
		facts.role = info.role;
		facts.sip_code = info.sip_code;
		facts.sip_reason = info.sip_reason;
		facts.reason_header = info.reason_header;
		facts.rang = info.ringing_at_ms != 0;
		facts.answered = info.answered_at_ms != 0;
		facts.no_sound_came = info.has_quality && !info.quality.any &&
				      info.ended_at_ms - info.answered_at_ms >
					      SOUND_IS_DUE_MS;
	}

	if (gw_diagnosis(text, sizeof(text), &facts))
		(void)str_dup(&mine->diagnosis, text);
	return call->diagnosis;
}

int gw_call_dialog_print(struct mbuf *mb, const struct gw_call *call)
{
	int found = ENOENT;

	for (size_t i = 0; call && i < call->leg_count; i++) {
		const int err = gw_leg_dialog_print(mb, call->legs[i]);

		if (err && err != ENOENT)
			return err;
		if (!err)
			found = 0;
	}

	return found;
}
