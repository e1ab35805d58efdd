/* sip/session_stub.c - what is declared and still to come. */
#include <errno.h>
#include "sip/session.h"

int gw_session_reinvite(struct gw_session *session, const struct mbuf *offer)
{
	(void)session;
	(void)offer;
	return ENOSYS;
}
int gw_session_refer(struct gw_session *session, const char *target,
		     const char *replaces)
{
	(void)session;
	(void)target;
	(void)replaces;
	return ENOSYS;
}
int gw_session_notify(struct gw_session *session, uint16_t code,
		      const char *phrase, bool over)
{
	(void)session;
	(void)code;
	(void)phrase;
	(void)over;
	return ENOSYS;
}
int gw_session_replaces(struct mbuf *mb, const struct gw_session *session)
{
	(void)mb;
	(void)session;
	return ENOSYS;
}
int gw_session_digit(struct gw_session *session, char digit,
		     uint32_t duration_ms)
{
	(void)session;
	(void)digit;
	(void)duration_ms;
	return ENOSYS;
}
