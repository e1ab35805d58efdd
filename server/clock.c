/* Wall clock. See clock.h. */
#include "server/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t gw_clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void put_digits(char *out, unsigned digits, unsigned val)
{
	while (digits--) {
		out[digits] = (char)('0' + val % 10);
		val /= 10;
	}
}

void gw_clock_print(char out[GW_CLOCK_LEN + 1], int64_t at_ms)
{
	/* The calendar is asked once a second only: events come in thousands. */
	static __thread time_t last_s = -1;
	static __thread char last[GW_CLOCK_LEN + 1];
	const time_t s = (time_t)(at_ms / 1000);

	if (s != last_s) {
		struct tm tm;

		if (!gmtime_r(&s, &tm))
			memset(&tm, 0, sizeof(tm));
		memcpy(last, "0000-00-00T00:00:00.000Z", GW_CLOCK_LEN + 1);
		put_digits(last, 4, (unsigned)tm.tm_year + 1900);
		put_digits(last + 5, 2, (unsigned)tm.tm_mon + 1);
		put_digits(last + 8, 2, (unsigned)tm.tm_mday);
		put_digits(last + 11, 2, (unsigned)tm.tm_hour);
		put_digits(last + 14, 2, (unsigned)tm.tm_min);
		put_digits(last + 17, 2, (unsigned)tm.tm_sec);
		last_s = s;
	}
	memcpy(out, last, GW_CLOCK_LEN + 1);
	put_digits(out + 20, 3, (unsigned)(at_ms % 1000));
}

/* The names are English whatever the locale says. */
void gw_clock_print_mail(char out[GW_CLOCK_MAIL_LEN + 1], int64_t at_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const time_t s = (time_t)(at_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	memcpy(out, "ddd, 00 mmm 0000 00:00:00 +0000", GW_CLOCK_MAIL_LEN + 1);
	memcpy(out, days + 3 * tm.tm_wday, 3);
	put_digits(out + 5, 2, (unsigned)tm.tm_mday);
	memcpy(out + 8, months + 3 * tm.tm_mon, 3);
	put_digits(out + 12, 4, (unsigned)tm.tm_year + 1900);
	put_digits(out + 17, 2, (unsigned)tm.tm_hour);
	put_digits(out + 20, 2, (unsigned)tm.tm_min);
	put_digits(out + 23, 2, (unsigned)tm.tm_sec);
}

/* "Z", "+01:00", "-0130" is not one. Minutes east of UTC. */
static bool read_offset(int *minutesp, const char *text)
{
	int hours, minutes;

	if (!strcmp(text, "Z") || !strcmp(text, "z")) {
		*minutesp = 0;
		return true;
	}
	if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 ||
	    text[3] != ':' ||
	    sscanf(text + 1, "%2d:%2d", &hours, &minutes) != 2 || hours > 23 ||
	    minutes > 59)
		return false;
	*minutesp = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
	return true;
}

bool gw_clock_read(int64_t *at_msp, const char *text)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) :
				  NULL;
	int64_t ms = 0;
	int minutes;

	if (!rest)
		return false;
	if (*rest == '.') {
		int64_t unit = 100;

		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			ms += (*rest - '0') * unit;
	}
	if (!read_offset(&minutes, rest))
		return false;
	*at_msp = (int64_t)timegm(&tm) * 1000 + ms - minutes * 60000LL;
	return true;
}
