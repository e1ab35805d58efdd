/* sip/call_record.c - what is recorded of a call: from on the left, to on the right.
 *
 * One recording may outlive a party: after a transfer the same one goes on with
 * whoever talks now. Its last piece comes when it is switched off, or else before
 * the call's end is told. */
#include "sip/call_impl.h"

#include <errno.h>

static struct gw_leg *left_of(const struct gw_call *call)
{
	return call->party[GW_ROLE_FROM] ? call->party[GW_ROLE_FROM] :
					   call->party[GW_ROLE_TO];
}

static struct gw_leg *right_of(const struct gw_call *call)
{
	return call->party[GW_ROLE_FROM] ? call->party[GW_ROLE_TO] : NULL;
}

static void beep(struct gw_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(call->party); i++) {
		if (call->party[i])
			(void)gw_leg_tone(call->party[i], GW_TONE_BEEP, NULL);
	}
}

static int start(struct gw_call *call)
{
	struct gw_leg *left = left_of(call);
	int err = left ? gw_leg_record(left, right_of(call), true) : ENOTCONN;

	if (err)
		return err;

	call->info.recording = true;
	call->recorder_open = true;
	if (call->order.record_tone)
		beep(call);
	return 0;
}

void gw_call_record_bridge(struct gw_call *call)
{
	struct gw_leg *left = left_of(call);

	if (call->info.recording && left)
		(void)gw_leg_record(left, right_of(call), true);
}

int gw_call_record(struct gw_call *call, bool on)
{
	struct gw_leg *left;
	int err;

	if (!call)
		return EINVAL;
	if (call->state >= GW_CALL_ENDING)
		return EALREADY;
	if (call->state != GW_CALL_BRIDGED && call->state != GW_CALL_HELD)
		return ENOTCONN;
	if (!call->order.recordedh)
		return ENOTSUP;
	if (on == call->info.recording)
		return 0;
	if (on && call->recorder_open)
		return EBUSY; /* the last piece of the one before is to come */

	if (on) {
		gw_call_stop_direct(call);
		return start(call);
	}

	left = left_of(call);
	err = gw_leg_record(left, NULL, false);
	if (!err)
		call->info.recording = false;
	return err;
}

void gw_call_leg_recorded(struct gw_leg *leg, const struct gw_call_sound *sound,
			  void *arg)
{
	struct gw_call *call = arg;
	struct gw_call_sound piece = *sound;
	(void)leg;

	if (!call->recorder_open)
		return;

	if (piece.last && call->info.recording) {
		if (!piece.pairs)
			return;
		piece.last = false; /* it goes on with another leg */
	}
	if (piece.last)
		call->recorder_open = false;
	call->order.recordedh(&piece, call->arg);
}

void gw_call_record_close(struct gw_call *call)
{
	const struct gw_call_sound last = { .last = true };

	call->info.recording = false;
	if (!call->recorder_open)
		return;

	call->recorder_open = false;
	call->order.recordedh(&last, call->arg);
}
