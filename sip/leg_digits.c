/* sip/leg_digits.c - digits that are pressed towards a leg, one after the other. */
#include "sip/leg_impl.h"

#include <errno.h>
#include <string.h>

enum {
	DIGIT_MS = 100, /* as the media thread sends it */
	GAP_MS = 100,   /* until the next one */
	SHORT_WAIT_MS = 500,
	LONG_WAIT_MS = 1000,
};

static void press_next(void *arg);

static void press_one(struct gw_leg *leg, char digit)
{
	int err = ENOTSUP;

	if (leg->codec.pt_dtmf_tx >= 0 && !leg->away)
		err = gw_media_dtmf(leg->port, digit, DIGIT_MS);
	if (err == ENOTSUP)
		(void)gw_session_digit(leg->session, digit, DIGIT_MS);
}

static void press_next(void *arg)
{
	struct gw_leg *leg = arg;
	const char digit = leg->digits[0];
	uint32_t wait_ms = DIGIT_MS + GAP_MS;

	if (!digit || !gw_leg_is_up(leg))
		return;

	memmove(leg->digits, leg->digits + 1, strlen(leg->digits));
	if (digit == 'w')
		wait_ms = SHORT_WAIT_MS;
	else if (digit == 'W')
		wait_ms = LONG_WAIT_MS;
	else
		press_one(leg, digit);

	tmr_start(&leg->press, wait_ms, press_next, leg);
}

int gw_leg_press(struct gw_leg *leg, const char *digits)
{
	const size_t len = str_len(digits);
	const size_t waiting = strlen(leg->digits);

	if (!len || len > GW_SEND_DIGITS_MAX ||
	    digits[strspn(digits, "0123456789*#ABCDabcdwW")])
		return EINVAL;
	if (!gw_leg_is_up(leg))
		return ENOTCONN;
	if (waiting + len > GW_LEG_DIGITS_MAX)
		return EBUSY;

	for (size_t i = 0; i <= len; i++) {
		const char c = digits[i];

		leg->digits[waiting + i] =
			c >= 'a' && c <= 'd' ? (char)(c - 'a' + 'A') : c;
	}
	if (!tmr_isrunning(&leg->press))
		press_next(leg);
	return 0;
}
