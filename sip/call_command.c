/* sip/call_command.c - what is asked for in the course of a call. */
#include "sip/call_impl.h"

#include <errno.h>

/* EALREADY: over; ENOTCONN: not up yet, or being transferred. */
static int be_up(const struct gw_call *call)
{
	if (!call)
		return EINVAL;
	if (call->state >= GW_CALL_ENDING)
		return EALREADY;

	return call->state == GW_CALL_BRIDGED || call->state == GW_CALL_HELD ?
		       0 :
		       ENOTCONN;
}

static struct gw_leg *party(const struct gw_call *call, int role)
{
	return role == GW_ROLE_FROM || role == GW_ROLE_TO ? call->party[role] :
							    NULL;
}

/* The parties that role means: one, or with GW_ROLE_ANY all. */
static size_t parties(struct gw_leg *legs[2], const struct gw_call *call,
		      int role)
{
	size_t n = 0;

	for (int r = GW_ROLE_FROM; r <= GW_ROLE_TO; r++) {
		if ((role == GW_ROLE_ANY || role == r) && party(call, r))
			legs[n++] = party(call, r);
	}

	return n;
}

int gw_call_dtmf(struct gw_call *call, const char *digits, int role)
{
	struct gw_leg *leg;
	int err = be_up(call);

	/* a consultation may have to press its way, too */
	if (err == ENOTCONN && call->state == GW_CALL_TRANSFERRING)
		err = 0;
	if (err)
		return err;

	leg = party(call, role == GW_ROLE_ANY ? GW_ROLE_TO : role);
	return leg ? gw_leg_press(leg, digits) : ENOTCONN;
}

/* Both: what one of them can't be told doesn't keep the other from it. */
int gw_call_hold(struct gw_call *call, int role, bool on)
{
	struct gw_leg *legs[2];
	int err = be_up(call), done = ENOTCONN;
	size_t count;

	if (err)
		return err;

	count = parties(legs, call, role);
	for (size_t i = 0; i < count; i++) {
		err = gw_leg_hold(legs[i], on);
		if (err == EALREADY)
			err = 0; /* it is as it should be */
		if (done)
			done = err;
	}

	return done;
}

int gw_call_mute(struct gw_call *call, int role, bool on)
{
	struct gw_leg *leg;
	int err = be_up(call);

	if (err)
		return err;

	if (role == GW_ROLE_ANY)
		role = gw_call_has_two(call) ? GW_ROLE_FROM : GW_ROLE_TO;
	leg = party(call, role);
	if (!leg)
		return ENOTCONN;

	gw_call_stop_direct(call);
	return gw_leg_mute(leg, on);
}

int gw_call_play(struct gw_call *call, const struct gw_sound *sound, int role)
{
	struct gw_leg *legs[2];
	int err = be_up(call), done = ENOTCONN;
	size_t count;

	if (err)
		return err;

	mem_ref(call);
	gw_call_stop_direct(call);
	count = parties(legs, call, role);
	for (size_t i = 0; i < count; i++) {
		err = gw_leg_play(legs[i], sound);
		if (!err && sound)
			gw_call_tell_leg(call, GW_EV_CALL_PLAYBACK_STARTED,
					 legs[i]);
		if (done)
			done = err;
	}

	mem_deref(call);
	return done;
}
