/* sip/session_digit.c - digits by INFO, for phones that take none in their sound.
 * One at a time, in order: an INFO that overtook another would change the number. */
#include "sip/session_impl.h"

static void destructor(void *arg)
{
	struct gw_digits_out *d = arg;

	mem_deref(d->req);
}

static int send_next(struct gw_session *s);

static void answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;
	struct gw_digits_out *d = s->digits_out;

	if (!d || (!err && msg && msg->scode < 200))
		return;

	mem_ref(s);
	if (s->state != GW_SESSION_UP) {
		d->count = 0;
	} else if (err || !msg || !gw_session_is_challenge(msg) ||
		   gw_session_take_challenge(s, msg)) {
		--d->count;
		memmove(d->list, d->list + 1, d->count * sizeof(d->list[0]));
	}
	if (d->count && send_next(s))
		d->count = 0;
	mem_deref(s);
}

static int send_next(struct gw_session *s)
{
	const struct gw_digit *digit = &s->digits_out->list[0];
	char body[48];

	if (re_snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n",
			digit->digit, digit->duration_ms) < 0)
		return EOVERFLOW;

	return sip_drequestf(&s->digits_out->req, s->sip, true, "INFO",
			     s->won->dlg, 0, s->auth, NULL, answered, s,
			     "Content-Type: application/dtmf-relay\r\n"
			     "Content-Length: %zu\r\n\r\n%s",
			     strlen(body), body);
}

int gw_session_digit(struct gw_session *session, char digit,
		     uint32_t duration_ms)
{
	struct gw_session *s = session;
	struct gw_digits_out *d;
	int err;

	if (!s || !digit || !strchr("0123456789*#ABCD", digit))
		return EINVAL;
	if (s->state != GW_SESSION_UP)
		return ENOTCONN;

	if (!s->digits_out)
		s->digits_out = mem_zalloc(sizeof(*d), destructor);
	d = s->digits_out;
	if (!d)
		return ENOMEM;
	if (d->count >= ARRAY_SIZE(d->list))
		return EBUSY;

	d->list[d->count].digit = digit;
	d->list[d->count].duration_ms = duration_ms ? duration_ms : 100;
	if (d->count++)
		return 0; /* after those before it */

	s->auth_tries = 0;
	err = send_next(s);
	if (err)
		d->count = 0;
	return err;
}
