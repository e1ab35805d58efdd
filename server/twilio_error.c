/* Errors as Twilio's clients read them. Ours have words, theirs have numbers: those
 * of Twilio's dictionary where it has one for the same, else 20000 and the status,
 * as Twilio does. */
#include "server/twilio.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>

#include "server/writer.h"

static const struct {
	const char *code;
	unsigned number;
} numbers[] = {
	/* clang-format off */
	{ "twiml_unreadable",    12100 },
	{ "twiml_unsupported",   12200 },
	{ "unknown_parameter",   20001 },
	{ "duplicate_parameter", 20001 },
	{ "invalid_parameter",   20001 },
	{ "invalid_query",       20001 },
	{ "invalid_cursor",      20001 },
	{ "unauthorized",        20003 },
	{ "method_not_allowed",  20004 },
	{ "missing_to",          21201 },
	{ "missing_dial",        21205 },
	{ "invalid_callback",    21205 },
	{ "invalid_send_digits", 21206 },
	{ "invalid_timeout",     21208 },
	{ "invalid_method",      21209 },
	{ "caller_id_refused",   21210 },
	{ "invalid_to",          21211 },
	{ "missing_from",        21213 },
	{ "policy_denied",       21215 },
	{ "wrong_state",         21220 },
	/* clang-format on */
};

static unsigned number_of(unsigned status, const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(numbers[i].code, code))
			return numbers[i].number;
	return 20000 + status;
}

unsigned gw_twilio_status(unsigned status, const char *code)
{
	return status == 422 || !strcmp(code, "policy_denied") ? 400 : status;
}

int gw_twilio_print_error(struct mbuf *mb, const struct gw_twilio_error *error)
{
	const unsigned number = number_of(error->status, error->code);
	struct gw_writer w;
	char url[64];

	(void)snprintf(url, sizeof(url),
		       "https://www.twilio.com/docs/errors/%u", number);
	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_write_int(&w, "code", number);
	gw_write_string(&w, "message", error->message);
	gw_write_string(&w, "more_info", url);
	gw_write_int(&w, "status", error->status);
	gw_write_open(&w, "details", '{');
	gw_write_string(&w, "code", error->code);
	gw_write_string(&w, "request_id", error->request_id);
	gw_write_close(&w, '}');
	gw_write_close(&w, '}');
	return w.err;
}

/* A name from outside may have been cut in the middle of a character: the last one
 * goes. */
static void mend(char *text, size_t size)
{
	size_t n = size - 1;

	if (strlen(text) < n)
		return;
	while (n && ((uint8_t)text[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && (uint8_t)text[n - 1] >= 0xc0)
		n--;
	text[n] = '\0';
}

void gw_twilio_fault(struct gw_twilio_fault *fault, const char *code,
		     const char *fmt, ...)
{
	va_list ap;

	fault->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	mend(fault->text, sizeof(fault->text));
}

void gw_twilio_fault_of(struct gw_twilio_fault *fault, const char *pointer,
			const char *detail)
{
	static const struct {
		const char *pointer, *name, *code;
	} names[] = {
		/* clang-format off */
		{ "/to",                "To",             "invalid_to" },
		{ "/from",              "<Dial>, or the key's setting from", "invalid_to" },
		{ "/caller_id/number",  "From",           "caller_id_refused" },
		{ "/ring_timeout",      "Timeout",        "invalid_timeout" },
		{ "/time_limit",        "TimeLimit",      "invalid_parameter" },
		{ "/send_digits",       "SendDigits",     "invalid_send_digits" },
		{ "/ringback",          "ringTone",       "twiml_unsupported" },
		{ "/status_callback",   "StatusCallback", "invalid_callback" },
		/* clang-format on */
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].pointer, pointer) != 0)
			continue;
		gw_twilio_fault(fault, names[i].code, "%s: %s", names[i].name,
				detail);
		return;
	}
	gw_twilio_fault(fault, "invalid_parameter", "%s: %s", pointer, detail);
}
