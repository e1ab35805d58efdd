/* sip/call_stub.c - what is declared and still to come. */
#include <errno.h>
#include "sip/call.h"

const char *gw_join_name(enum gw_join join)
{
	static const char *const names[] = { "auto", "relay", "direct",
					     "refer" };
	return names[join];
}
int gw_call_dtmf(struct gw_call *call, const char *digits, int role)
{
	(void)call;
	(void)digits;
	(void)role;
	return ENOSYS;
}
int gw_call_hold(struct gw_call *call, int role, bool on)
{
	(void)call;
	(void)role;
	(void)on;
	return ENOSYS;
}
int gw_call_mute(struct gw_call *call, int role, bool on)
{
	(void)call;
	(void)role;
	(void)on;
	return ENOSYS;
}
int gw_call_play(struct gw_call *call, const struct gw_sound *sound, int role)
{
	(void)call;
	(void)sound;
	(void)role;
	return ENOSYS;
}
int gw_call_record(struct gw_call *call, bool on)
{
	(void)call;
	(void)on;
	return ENOSYS;
}
int gw_call_transfer(struct gw_call *call,
		     const struct gw_call_transfer *transfer)
{
	(void)call;
	(void)transfer;
	return ENOSYS;
}
